/* SPDX-License-Identifier: MIT */
/* What the emulated chip tells of itself. */
#ifndef CHIP_H
#define CHIP_H

#include <stdint.h>

/* Forget how deep the stack has been. */
void chip_paint_stack(void);

/* Bytes of the stack that have been in use since it was painted. */
uint32_t chip_stack_depth(void);

#endif
