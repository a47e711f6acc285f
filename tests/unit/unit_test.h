/*
 * unit_test.h - cmocka with the headers it needs before it, in the order it needs them.
 */
#ifndef UNIT_TEST_H
#define UNIT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#endif
