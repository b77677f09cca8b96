#pragma once
#include <stdint.h>

/// How often memory has been asked for since the process began.
uint64_t callocations_count(void);
