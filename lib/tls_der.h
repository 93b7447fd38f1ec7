/* tls_der.h - writing DER, from the end to the front
 *
 * So that every length is known when it is written.
 *
 *   der_start(&d, mem, sizeof mem);
 *   end = d.at;
 *   der_bytes(&d, value, n);      the last element first
 *   der_wrap(&d, DER_SEQUENCE, end);
 *   -> d.mem + d.at, d.size - d.at
 *
 * Source  ITU-T X.690
 * Test    tests/tls_test.c
 */
#ifndef QUAIL_LIB_TLS_DER_H
#define QUAIL_LIB_TLS_DER_H

#include <stddef.h>
#include <stdint.h>

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_UTCTIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31
};

struct der {
	uint8_t *mem;
	size_t size, at;
};

void
der_start(struct der *d, uint8_t *mem, size_t size);

/* der_bytes - put n bytes in front; dies (a bug) when there is no room */
void
der_bytes(struct der *d, const void *bytes, size_t n);

/* der_wrap - put a tag and a length in front of what lies before end */
void
der_wrap(struct der *d, uint8_t tag, size_t end);

/* der_put - one whole element */
void
der_put(struct der *d, uint8_t tag, const void *bytes, size_t n);

/* der_integer - an unsigned number, most significant byte first */
void
der_integer(struct der *d, const uint8_t *bytes, size_t n);

#endif
