/*
 * version.h - of the whole product; every program shows it and sends it in the dialogue.
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define PRODUCT_VERSION "0.1.0"

#endif
