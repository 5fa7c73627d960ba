// The int8 model, run by LiteRT.js.
//
// LiteRT.js's own Tensor knows float32, int32 and uint8, and loadAndCompile refuses a model of int8. What
// lies below it, liteRtWasm, knows int8 and answers at once, so that the firmware's C can call it.

const WASM = "node_modules/@litertjs/core/wasm/";

/**
 * Loads LiteRT.js and the model of these bytes. Returns what scores an input, an Int8Array as the C lays it
 * out. Throws a sentence where LiteRT.js does not load.
 */
export async function openModel(bytes) {
  const runtime = await loadRuntime().catch(({ message = "a file is missing" }) => {
    throw new Error(
      `LiteRT.js did not load (${message}); expected it in node_modules, and a browser with SIMD.`,
    );
  });
  const wasm = runtime.liteRtWasm;
  const environment = runtime.getDefaultEnvironment();
  const address = wasm._malloc(bytes.length); // as long as the page lives
  wasm.HEAPU8.set(bytes, address);
  const model = wasm.loadModel(environment.liteRtEnvironment, address, bytes.length);
  const options = {
    environment,
    accelerator: "wasm",
    cpuOptions: { numThreads: 1 },
    gpuOptions: {},
    webNNOptions: {},
  };
  const compiled = await wasm.compileModel(environment.liteRtEnvironment, model, options);
  const inputs = inputsOf(wasm, environment, model);
  return (input) => run(wasm, compiled, inputs, input);
}

async function loadRuntime() {
  const { loadLiteRt } = await import("@litertjs/core");
  return loadLiteRt(WASM);
}

/** The model's input buffers, the largest first: the window, and the rhythm behind it. */
function inputsOf(wasm, environment, model) {
  const signature = model.getSignature(0);
  const count = signature.inputNames().size();
  const inputs = Array.from({ length: count }, (_, index) => {
    const type = model.getInputTensorType(0, index);
    const bytes = type.bytes();
    const memory = wasm.LiteRtTensorBufferType.HOST_MEMORY;
    const buffer = wasm.LiteRtTensorBuffer.createManaged(environment.liteRtEnvironment, memory, type, bytes);
    return { index, bytes, buffer };
  });
  return inputs.sort((a, b) => b.bytes - a.bytes);
}

function run(wasm, compiled, inputs, input) {
  const { READ, WRITE } = wasm.LiteRtTensorBufferLockMode;
  let first = 0;
  for (const { bytes, buffer } of inputs) {
    const part = input.subarray(first, first + bytes);
    wasm.HEAPU8.set(part, buffer.lock(WRITE));
    buffer.unlock();
    first += bytes;
  }
  const given = [...inputs].sort((a, b) => a.index - b.index).map(({ buffer }) => buffer);
  const outputs = compiled.run(0, given);
  const score = (wasm.HEAPU8[outputs[0].lock(READ)] << 24) >> 24;
  outputs[0].unlock();
  for (const output of outputs) output.delete();
  return score;
}
