/*
 * report_security.h - certificates, keys, TLS and who may do what, as JSON.
 */
#ifndef SIMULATOR_REPORT_SECURITY_H
#define SIMULATOR_REPORT_SECURITY_H

#include "computer.h"

#include <json-c/json.h>

json_object *report_certificates(struct device *device);
json_object *report_keys(const struct device *device);
json_object *report_tls(struct computer *computer);
json_object *report_acl(const struct device *device);
json_object *report_kerberos(const struct device *device);
json_object *report_revocations(const struct device *device);

#endif
