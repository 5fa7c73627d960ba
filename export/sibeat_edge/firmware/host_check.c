/* What `make check` runs on a computer: are the model and the golden beats what was exported? */
#include <stdio.h>

#include "sibeat_selftest.h"

int main(void)
{
    const sibeat_health health = sibeat_check_data();

    puts(health == SIBEAT_HEALTHY ? "sibeat: checksums are right" : "sibeat: a checksum is WRONG");
    return health;
}
