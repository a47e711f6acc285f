/*
 * suffix.h - does the name in a setup certificate belong to the computer's domain?
 */
#ifndef SIMULATOR_SUFFIX_H
#define SIMULATOR_SUFFIX_H

#include <stdbool.h>

enum suffix_rule {
    SUFFIX_EXACT,  /* 3.0: the name without its host label equals the suffix */
    SUFFIX_LABELS, /* later: how many labels count depends on the top level domain */
};

/* A leading "*." of the common name does not count. */
bool suffix_accepts(enum suffix_rule rule, const char *common_name, const char *suffix);

#endif
