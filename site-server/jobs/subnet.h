/*
 * subnet.h - IPv4 and IPv6 subnets in CIDR notation. Pure.
 */
#ifndef JOBS_SUBNET_H
#define JOBS_SUBNET_H

#include <stdbool.h>

/* "10.1.0.0/16"; without a length the whole address. Bits beyond the length may be set. */
bool subnet_valid(const char *subnet);
/* Length of the prefix when the address lies in the subnet, else -1. */
int subnet_match(const char *subnet, const char *address);

#endif
