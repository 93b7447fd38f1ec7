/* tls_pin.h - the name of a public key: the SHA-256 of its SubjectPublicKeyInfo
 *
 *   sha256:3ba0f3c3...   64 hexadecimal digits
 *
 * The same digest as of
 *   openssl pkey -pubin -outform DER | sha256sum
 *
 * Not the arithmetic of it: that is tls_key.h. No word of BearSSL here, so
 * that whoever only reads pins links none of it.
 *
 * Test  tests/tls_test.c
 */
#ifndef QUAIL_LIB_TLS_PIN_H
#define QUAIL_LIB_TLS_PIN_H

#include "lib/buf.h"

enum { TLS_PIN_BYTES = 32 };

#define TLS_PIN_KIND "sha256:"

struct tls_pin {
	uint8_t bytes[TLS_PIN_BYTES];
};

/* tls_pin_parse - read "sha256:" and 64 hexadecimal digits of either case
 *
 * Returns  0; -1 when s is anything else, *pin is then undefined.
 */
int
tls_pin_parse(struct slice s, struct tls_pin *pin);

/* tls_pin_put - append the text of a pin, in lower case */
void
tls_pin_put(struct buf *out, const struct tls_pin *pin);

static inline bool
tls_pin_eq(const struct tls_pin *a, const struct tls_pin *b)
{
	return memcmp(a->bytes, b->bytes, TLS_PIN_BYTES) == 0;
}

#endif
