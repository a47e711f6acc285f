/*
 * echo.h - what a request held is not read out of its fault.
 *
 * Firmware may quote what it refuses, and a request may hold a password, or a hash or key as good as one. A
 * fault's text ends up in steps, reasons and logs; so every value of the request is blotted out of the fault
 * before that is parsed. Pure.
 */
#ifndef FIRMWARE_ECHO_H
#define FIRMWARE_ECHO_H

#include <stddef.h>

/* reply: well-formed or not, changed in place, its length is not. Element names and attributes stay. */
void echo_blot(const char *request, size_t request_length, char *reply, size_t reply_length);

#endif
