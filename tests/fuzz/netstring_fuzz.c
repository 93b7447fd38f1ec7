/* netstring - heads and whole netstrings, against a second reading */
#include "lib/netstring.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* The head machine takes just what stands before the first ':' of good ones. */
static void
heads(struct slice in)
{
	struct netstring_head h = {0, 0};
	enum netstring_result r = NETSTRING_MORE;
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < in.len && r == NETSTRING_MORE; i++) {
		r = netstring_head_push(&h, (uint8_t)in.at[i]);
		fuzz_check(h.digits <= NETSTRING_DIGITS_MAX);
		fuzz_check(h.len <= 9999999999u);
		if (r == NETSTRING_MORE)
			len = len * 10 + (uint64_t)(in.at[i] - '0');
	}
	if (r == NETSTRING_MORE)
		return;
	i--;
	if (r == NETSTRING_DONE) {
		fuzz_check(in.at[i] == ':' && h.len == len && i == h.digits);
		fuzz_check(i > 0 && (i == 1 || in.at[0] != '0'));
	} else {
		fuzz_check(i == 0 || i == NETSTRING_DIGITS_MAX ||
			   in.at[0] == '0' || in.at[i] < '0' || in.at[i] > '9');
	}
}

static void
there_and_back(struct slice in)
{
	static struct buf wire;
	struct slice first = fuzz_string(&in), rest, a, b;

	buf_clear(&wire);
	netstring_put(&wire, first);
	netstring_put(&wire, in);
	rest = buf_slice(&wire);
	fuzz_check(netstring_slice(&rest, &a) == 0 && slice_eq(a, first));
	fuzz_check(netstring_slice(&rest, &b) == 0 && slice_eq(b, in));
	fuzz_check(rest.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	char *copy = fuzz_exact(slice_of((const char *)at, n));
	struct slice all = slice_of(copy, n), ours = all, other = all, a, b;
	int r;

	heads(all);
	do {
		size_t before = ours.len;

		r = netstring_slice(&ours, &a);
		fuzz_check(r == fuzz_netstring(&other, &b));
		fuzz_check(r != 0 || (slice_eq(a, b) && ours.len < before));
		fuzz_check(ours.at == other.at && ours.len == other.len);
	} while (r == 0 && ours.len > 0);
	there_and_back(all);
	free(copy);
	return 0;
}
