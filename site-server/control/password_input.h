/*
 * password_input.h - passwords that a person gives to a command: typed without echo, or from a file.
 *
 * Never from the command line, where every process of the computer can read them (spec 6.3).
 */
#ifndef CONTROL_PASSWORD_INPUT_H
#define CONTROL_PASSWORD_INPUT_H

#include "common/error.h"
#include "common/secret.h"

/*
 * From the file, which must be private; "-" is standard input. NULL: asked for twice on the terminal when
 * standard input is one, else the first line of standard input. The caller owns *password.
 */
bool password_input(const char *prompt, const char *file, struct secret **password,
                    struct error *err) MUST_CHECK;

#endif
