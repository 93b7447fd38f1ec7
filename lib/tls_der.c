#include "lib/tls_der.h"

#include "lib/die.h"

#include <string.h>

void
der_start(struct der *d, uint8_t *mem, size_t size)
{
	*d = (struct der){mem, size, size};
}

void
der_bytes(struct der *d, const void *bytes, size_t n)
{
	if (n > d->at)
		die_bug("no room for DER");
	d->at -= n;
	memcpy(d->mem + d->at, bytes, n);
}

void
der_wrap(struct der *d, uint8_t tag, size_t end)
{
	size_t len = end - d->at;
	uint8_t head[4] = {tag, (uint8_t)len};
	size_t n = 2;

	if (len > 0xff) {
		head[1] = 0x82;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		n = 4;
	} else if (len > 0x7f) {
		head[1] = 0x81;
		head[2] = (uint8_t)len;
		n = 3;
	}
	der_bytes(d, head, n);
}

void
der_put(struct der *d, uint8_t tag, const void *bytes, size_t n)
{
	size_t end = d->at;

	der_bytes(d, bytes, n);
	der_wrap(d, tag, end);
}

void
der_integer(struct der *d, const uint8_t *bytes, size_t n)
{
	size_t end = d->at;

	while (n > 1 && bytes[0] == 0) {
		bytes++;
		n--;
	}
	der_bytes(d, bytes, n);
	if (bytes[0] & 0x80)
		der_bytes(d, "", 1);
	der_wrap(d, DER_INTEGER, end);
}
