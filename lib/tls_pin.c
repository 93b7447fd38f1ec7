#include "lib/tls_pin.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
tls_pin_parse(struct slice s, struct tls_pin *pin)
{
	const struct slice kind = SLICE(TLS_PIN_KIND);
	size_t i;

	if (!slice_starts(s, kind))
		return -1;
	s = slice_from(s, kind.len);
	if (s.len != (size_t)2 * TLS_PIN_BYTES)
		return -1;
	for (i = 0; i < TLS_PIN_BYTES; i++) {
		int high = hex_digit(s.at[2 * i]);
		int low = hex_digit(s.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return -1;
		pin->bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

void
tls_pin_put(struct buf *out, const struct tls_pin *pin)
{
	size_t i;

	buf_text(out, TLS_PIN_KIND);
	for (i = 0; i < TLS_PIN_BYTES; i++)
		buf_hex(out, 2, pin->bytes[i]);
}
