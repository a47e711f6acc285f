/*
 * password.h - passwords that AMT firmware takes (spec 6.5).
 *
 * AMT: 8 to 32 characters, 7-bit, at least one upper-case letter, one lower-case letter, one digit and
 * one special character; none of " , : and the underscore does not count as special (AMT SDK, "Valid
 * user names and passwords").
 */
#ifndef COMMON_PASSWORD_H
#define COMMON_PASSWORD_H

#include "error.h"
#include "secret.h"

/* 20 random characters from a set that the AMT password and the MEBx menu both take: about 118 bits. */
struct secret *password_generate(void);
/* The error says which rule is broken, never the password. */
bool password_check(const struct secret *password, struct error *err) MUST_CHECK;
/* User names of AMT's access control list: 1 to 16 characters, ASCII 33 to 126 except ( ) , : " & < >,
 * not beginning with $$, not Admin or Administrator. */
bool user_name_check(const char *name, struct error *err) MUST_CHECK;

#endif
