/* SPDX-License-Identifier: MIT */
#include "sibeat_config.h"

const char *const sibeat_lead_names[SIBEAT_LEADS] = {
    "MLII",
};
const char sibeat_name[] = "mitdb-wearer";
const char sibeat_licence[] = "MIT; trained on mitdb, Open Data Commons Attribution License 1.0 (Moody and Mark 2001, Goldberger et al. 2000); svdb, Open Data Commons Attribution License 1.0 (Greenwald 1990, Goldberger et al. 2000); cinc2017, Open Data Commons Attribution License 1.0 (Clifford et al. 2017, Goldberger et al. 2000)";
const char sibeat_notice[] = "Not a medical device. For research only.";
