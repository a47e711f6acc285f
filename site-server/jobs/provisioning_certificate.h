/*
 * provisioning_certificate.h - the provisioning certificates of service points, as they told of them with
 * REGISTER.
 */
#ifndef JOBS_PROVISIONING_CERTIFICATE_H
#define JOBS_PROVISIONING_CERTIFICATE_H

#include "common/message.h"
#include "database/database.h"

/* Replaces what was known of this service point. A chain that cannot be read is kept as it is, for `amtctl
 * check`. */
bool provisioning_certificates_store(struct database *database, int64_t service_point,
                                     const struct provisioning_certificate_info *certificates, size_t count,
                                     struct error *err) MUST_CHECK;

#endif
