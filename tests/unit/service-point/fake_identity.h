/*
 * fake_identity.h - what each test of calls begins with: a certificate for the fake device, and nobody
 * trusted.
 */
#ifndef TESTS_FAKE_IDENTITY_H
#define TESTS_FAKE_IDENTITY_H

#include "fake_device.h"
#include "firmware/trust.h"

static struct identity device_identity;
static struct trust *trust;
static struct fake_device device;
static struct error err;

static int make_identity(void **state)
{
    (void)state;
    device_identity = pki_make(&(struct certificate_wish){ .common_name = "AMT" });
    return trust_load(&trust, NULL, 0, 0, &err) ? 0 : -1;
}

static int free_identity(void **state)
{
    (void)state;
    pki_free(&device_identity);
    trust_free(&trust);
    return 0;
}

#endif
