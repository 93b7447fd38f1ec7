#include "lib/tls_cert.h"

enum {
	BOOLEAN = 0x01,
	OCTETS = 0x04,
	OID = 0x06,
	SEQUENCE = 0x30,
	EXTENSIONS = 0xa3,
	LENGTH_BYTES = 3 /* more than that nothing of ours is long */
};

/* What stands behind a tag's first byte of length; -1: it is not all there,
 * or not DER. */
static int
long_length(struct slice *s, size_t n, size_t *len)
{
	size_t i;

	if (n == 0 || n > LENGTH_BYTES || s->len < n)
		return -1;
	*len = 0;
	for (i = 0; i < n; i++)
		*len = *len << 8 | (uint8_t)s->at[i];
	*s = slice_from(*s, n);
	return *len < 0x80 || *len >> 8 * (n - 1) == 0 ? -1 : 0;
}

/* The first element of *s, which begins behind it then. */
static int
element(struct slice *s, int *tag, struct slice *value)
{
	size_t len;

	if (s->len < 2)
		return -1;
	*tag = (uint8_t)s->at[0];
	len = (uint8_t)s->at[1];
	*s = slice_from(*s, 2);
	if (len >= 0x80 && long_length(s, len - 0x80, &len) != 0)
		return -1;
	if (len > s->len)
		return -1;
	*value = slice_of(s->at, len);
	*s = slice_from(*s, len);
	return 0;
}

static int
expect(struct slice *s, int tag, struct slice *value)
{
	int found;

	return element(s, &found, value) == 0 && found == tag ? 0 : -1;
}

/* Is one of these usages a server's? */
static int
usages(struct slice der, bool *for_server)
{
	struct slice list, oid;

	if (expect(&der, SEQUENCE, &list) != 0)
		return -1;
	*for_server = false;
	while (list.len > 0) {
		if (expect(&list, OID, &oid) != 0)
			return -1;
		/* 1.3.6.1.5.5.7.3.1, serverAuth */
		*for_server |= slice_eq(oid, SLICE("\x2b\6\1\5\5\7\3\1"));
	}
	return 0;
}

static int
extension(struct slice one, struct tls_cert *c)
{
	struct slice oid, value;
	int tag;

	if (expect(&one, OID, &oid) != 0 || element(&one, &tag, &value) != 0)
		return -1;
	if (tag == BOOLEAN && element(&one, &tag, &value) != 0)
		return -1;
	if (tag != OCTETS)
		return -1;
	if (slice_eq(oid, SLICE("\x55\x1d\x11"))) /* 2.5.29.17 */
		c->has_names = true;
	else if (slice_eq(oid, SLICE("\x55\x1d\x25"))) /* 2.5.29.37 */
		return usages(value, &c->for_server);
	return 0;
}

static int
extensions(struct slice all, struct tls_cert *c)
{
	struct slice list, one;

	if (expect(&all, SEQUENCE, &list) != 0)
		return -1;
	while (list.len > 0)
		if (expect(&list, SEQUENCE, &one) != 0 ||
		    extension(one, c) != 0)
			return -1;
	return 0;
}

int
tls_cert_read(struct slice der, struct tls_cert *c)
{
	struct slice whole, signed_part, value;
	int tag;

	*c = (struct tls_cert){.for_server = true};
	if (expect(&der, SEQUENCE, &whole) != 0 ||
	    expect(&whole, SEQUENCE, &signed_part) != 0)
		return -1;
	while (signed_part.len > 0) {
		if (element(&signed_part, &tag, &value) != 0)
			return -1;
		if (tag == EXTENSIONS && extensions(value, c) != 0)
			return -1;
	}
	return 0;
}
