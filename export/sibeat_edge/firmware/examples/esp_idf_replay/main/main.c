/* SPDX-License-Identifier: MIT */
/* Takes a recording by the serial line and answers with its beats; see examples/README.md. */
#include <string.h>

#include "driver/uart.h"
#include "freertos/FreeRTOS.h"
#include "sibeat_replay.h"

#define RATE 360    /* Hz */
#define UNIT 0.005f /* mV */
#define LINE UART_NUM_0

static void put(const char *text)
{
    uart_write_bytes(LINE, text, strlen(text));
}

void app_main(void)
{
    static sibeat_context context;
    static sibeat_replay replay;
    uint8_t byte;

    ESP_ERROR_CHECK(uart_driver_install(LINE, 2048, 0, 0, NULL, 0));
    if (sibeat_replay_begin(&replay, &context, RATE, UNIT, put) != SIBEAT_OK)
        return;
    for (;;)
        if (uart_read_bytes(LINE, &byte, 1, portMAX_DELAY) == 1)
            sibeat_replay_byte(&replay, byte);
}
