/*
 * usage.h - what a process has used, from /proc (proc(5)).
 */
#ifndef TESTS_SUPPORT_USAGE_H
#define TESTS_SUPPORT_USAGE_H

#include <sys/types.h>

/* User and system time of a process, its children that ended and those that run: PostgreSQL is many. In
 * steps of a clock tick, 10 ms. 0 when there is no such process. */
double usage_cpu_ms(pid_t pid);
/* 0 when there is no such process. */
long usage_resident_kib(pid_t pid);
/* Of this process alone. */
double usage_own_cpu_ms(void);

#endif
