/* SPDX-License-Identifier: MIT */
/*
 * What an emulated Cortex-M needs around main: vectors, the floating-point unit, a stack that tells its depth, and the
 * command line and exit status by Arm's semihosting, which newlib's files and printf use, too.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "chip.h"

#define PAINT 0xA5A5A5A5u
#define GET_COMMAND_LINE 0x15u
#define EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT 0x20026u
#define FAULT_STATUS 70u
#define MOST_ARGUMENTS 8

extern uint32_t chip_stack_low[], chip_stack_high[], chip_bss_begin[], chip_bss_end[];
extern void initialise_monitor_handles(void); /* newlib's: opens stdin, stdout and stderr */
int main(int count, char **arguments);
void chip_reset(void);
void chip_begin(void);

static uint32_t ask_host(uint32_t what, uint32_t *block)
{
    register uint32_t r0 __asm("r0") = what;
    register uint32_t *r1 __asm("r1") = block;

    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t status)
{
    uint32_t block[2] = {APPLICATION_EXIT, status};

    ask_host(EXIT_EXTENDED, block);
    for (;;) {
    }
}

static void fault(void)
{
    leave(FAULT_STATUS);
}

/* The FPU is coprocessors 10 and 11; a core without one ignores that. The stack is painted before it is used. */
__attribute__((naked, noreturn)) void chip_reset(void)
{
    __asm volatile("ldr r0, =0xE000ED88\n"
                   "ldr r1, =0x00F00000\n"
                   "str r1, [r0]\n"
                   "dsb\n"
                   "isb\n"
                   "ldr r0, =chip_stack_low\n"
                   "ldr r1, =chip_stack_high\n"
                   "ldr r2, =0xA5A5A5A5\n"
                   "1: stmia r0!, {r2}\n"
                   "cmp r0, r1\n"
                   "blo 1b\n"
                   "ldr r0, =chip_begin\n"
                   "bx r0\n"
                   ".ltorg\n");
}

void chip_begin(void)
{
    static char line[256];
    static char *arguments[MOST_ARGUMENTS];
    uint32_t block[2];
    int count = 0;

    memset(chip_bss_begin, 0, (size_t)((char *)chip_bss_end - (char *)chip_bss_begin));
    initialise_monitor_handles();
    block[0] = (uint32_t)(uintptr_t)line;
    block[1] = sizeof line;
    ask_host(GET_COMMAND_LINE, block);
    for (char *word = strtok(line, " "); word && count < MOST_ARGUMENTS; word = strtok(NULL, " "))
        arguments[count++] = word;
    const int status = main(count, arguments);
    fflush(NULL);
    leave((uint32_t)status);
}

uint32_t chip_stack_depth(void)
{
    const uint32_t *place = chip_stack_low;

    while (place < chip_stack_high && *place == PAINT)
        place++;
    return (uint32_t)(chip_stack_high - place) * (uint32_t)sizeof *place;
}

void chip_paint_stack(void)
{
    volatile uint32_t *place = chip_stack_low;
    const uint32_t *const frame = __builtin_frame_address(0);

    while (place < frame - 16) /* this function's own lie above */
        *place++ = PAINT;
}

__attribute__((used, section(".vectors"))) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)chip_stack_high, chip_reset, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};
