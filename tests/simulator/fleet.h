/*
 * fleet.h - the fleet file: one computer a line, blank-separated key=value.
 *
 * uuid=, address= and generation= are needed; suffix=, state=, admin-password= and mebx-password= also tell
 * what a reset leads back to; any other key is a setting (settings.h). Lines that are empty or begin with #
 * do not count.
 */
#ifndef SIMULATOR_FLEET_H
#define SIMULATOR_FLEET_H

#include "simulator.h"

/* On true the caller owns *device. The line is not changed. */
bool fleet_line(const char *line, struct device **device, struct error *err) MUST_CHECK;
/* Adds every computer of the file; a bad line is reported as FILE:LINE: reason. */
bool fleet_load(struct simulator *simulator, const char *path, struct error *err) MUST_CHECK;

#endif
