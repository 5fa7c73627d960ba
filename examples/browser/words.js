// How times and beats are told.

/** 83 is 1:23. */
export function clockText(seconds, digits = 0) {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(digits);
  return `${minutes}:${rest.padStart(digits ? digits + 3 : 2, "0")}`;
}

const WHYS = { shape: "by shape", timing: "by time", both: "by shape and time" };

/** What is abnormal about a beat. */
export function whyText(beat) {
  return WHYS[beat.why] ?? "";
}
