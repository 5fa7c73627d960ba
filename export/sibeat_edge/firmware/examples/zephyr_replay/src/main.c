/* SPDX-License-Identifier: MIT */
/* Takes a recording by the serial line and answers with its beats; see examples/README.md. */
#include <zephyr/device.h>
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include "sibeat_replay.h"

#define RATE 360    /* Hz */
#define UNIT 0.005f /* mV */

static const struct device *const line = DEVICE_DT_GET(DT_CHOSEN(zephyr_console));

static void put(const char *text)
{
    while (*text)
        uart_poll_out(line, (unsigned char)*text++);
}

int main(void)
{
    static sibeat_context context;
    static sibeat_replay replay;
    unsigned char byte;

    if (!device_is_ready(line) || sibeat_replay_begin(&replay, &context, RATE, UNIT, put) != SIBEAT_OK)
        return 1;
    for (;;)
        if (uart_poll_in(line, &byte) == 0)
            sibeat_replay_byte(&replay, byte);
}
