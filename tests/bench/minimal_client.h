/*
 * minimal_client.h - the least that a client of AMT firmware can do: TLS handshakes and requests.
 *
 * It sends the same request over and over, looks at nothing of the answer but its end, and knows no XML, no
 * Digest and no queue. What it needs is the floor against which the service point's use is measured.
 */
#ifndef TESTS_BENCH_MINIMAL_CLIENT_H
#define TESTS_BENCH_MINIMAL_CLIENT_H

#include "support/fleet.h"

struct minimal_work { /* for each computer */
    const struct computer *computers;
    size_t count;
    unsigned handshakes;          /* full ones */
    unsigned resumptions;         /* short ones, of the session of a full one */
    unsigned requests;            /* spread over the connections */
    const char *certificate_path; /* key and chain, as the service point has it */
};

/* A thread a computer. *cpu_ms is what this process used for all of them. */
bool minimal_client_run(const struct minimal_work *work, double *cpu_ms, struct error *err) MUST_CHECK;

#endif
