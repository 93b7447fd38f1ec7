#include "lib/tls_hello.h"

enum { EXTENSION_ALPN = 16 };

/* A number of n bytes off the front; -1: there are not as many. */
static long
number(struct slice *s, size_t n)
{
	long v = 0;

	if (s->len < n)
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)s->at[i];
	*s = slice_from(*s, n);
	return v;
}

/* What stands behind its length in n bytes; false: it is not all there. */
static bool
part(struct slice *s, size_t n, struct slice *r)
{
	long len = number(s, n);

	if (len < 0 || (size_t)len > s->len)
		return false;
	*r = slice_of(s->at, (size_t)len);
	*s = slice_from(*s, (size_t)len);
	return true;
}

static bool
is_ours(struct slice name, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (slice_eq(name, slice_text(names[i])))
			return true;
	return false;
}

static bool
list_fits(struct slice list, const char *const *names, size_t n)
{
	struct slice all, name;
	bool found = false;

	if (!part(&list, 2, &all) || list.len > 0)
		return false;
	while (all.len > 0) {
		if (!part(&all, 1, &name))
			return false;
		found |= is_ours(name, names, n);
	}
	return found;
}

bool
tls_hello_fits(struct slice rest, const char *const *names, size_t n_names)
{
	struct slice skipped, all, one;
	unsigned lists = 0;
	long kind;

	if (!part(&rest, 2, &skipped) || !part(&rest, 1, &skipped))
		return false;
	if (rest.len == 0)
		return true; /* there need not be extensions at all */
	if (!part(&rest, 2, &all) || rest.len > 0)
		return false;
	while (all.len > 0) {
		kind = number(&all, 2);
		if (kind < 0 || !part(&all, 2, &one))
			return false;
		if (kind == EXTENSION_ALPN &&
		    (++lists > 1 || !list_fits(one, names, n_names)))
			return false;
	}
	return true;
}
