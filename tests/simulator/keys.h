/*
 * keys.h - the firmware's store of keys and certificates, whichever interface asks.
 */
#ifndef SIMULATOR_KEYS_H
#define SIMULATOR_KEYS_H

#include "class.h"

/* DER and nothing behind it; NULL: not a certificate, or one too long for the store. */
X509 *keys_parse_certificate(const unsigned char *der, size_t length);
/* PKCS#1 RSAPrivateKey in DER and nothing else; NULL: not that. */
EVP_PKEY *keys_parse_private(const unsigned char *der, size_t length);
bool keys_root_acceptable(const struct device *device, X509 *certificate);
bool keys_certificate_stored(const struct device *device, const unsigned char *der, size_t length);
bool keys_certificate_used(const struct device *device, int32_t handle);
bool keys_length_known(const struct device *device, uint32_t bits);
bool keys_key_used(struct device *device, const struct stored_key *key);
uint32_t keys_add_crl(struct call *call, const xmlNode *input, struct text *out); /* class_crl.c */
uint32_t keys_reset_crls(struct call *call, const xmlNode *input, struct text *out);
bool keys_key_stored(const void *context, EVP_PKEY *key); /* context: the device; for key_pool_take() */

#endif
