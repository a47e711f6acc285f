/*
 * address.h - a peer's numeric address as people and PostgreSQL's inet write it.
 */
#ifndef QUEUE_ADDRESS_H
#define QUEUE_ADDRESS_H

#include <stddef.h>

/* Copies at most size - 1 bytes; an IPv4 address in IPv6 clothes (RFC 4291 2.5.5.2) becomes plain. */
void address_copy(const char *address, size_t length, char *out, size_t size);

#endif
