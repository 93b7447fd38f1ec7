/* dns - what a name server answers, and the names in it: nothing outside of
 * the answer, caps held, and a second look that says the same */
#include "lib/dns_answer.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

struct told {
	size_t n;
	uint32_t sum;
};

static void
add(struct told *t, const void *at, size_t n)
{
	const uint8_t *bytes = at;

	while (n-- > 0)
		t->sum = t->sum * 16777619u ^ *bytes++;
}

static void
name_of(struct told *t, struct slice whole, struct slice data)
{
	char name[256];
	size_t i, len;

	memset(name, 'X', sizeof name);
	if (dns_answer_name(whole, data, name) != 0)
		return;
	len = strnlen(name, sizeof name);
	fuzz_check(len < sizeof name);
	for (i = 0; i < len; i++)
		fuzz_check(name[i] < 'A' || name[i] > 'Z');
	add(t, name, len);
}

static void
record(void *arg, struct slice whole, struct slice data)
{
	struct told *t = arg;

	fuzz_check(data.at >= whole.at &&
		   data.at + data.len <= whole.at + whole.len);
	t->n++;
	add(t, data.at, data.len);
	if (data.len > 2)
		name_of(t, whole, slice_from(data, 2));
}

/* From memory of just that size. */
static enum dns_answer_result
look(const struct dns_wire *w, struct slice whole, struct told *t)
{
	char *copy = fuzz_exact(whole);
	enum dns_answer_result r;

	*t = (struct told){0};
	r = dns_answer_read(w, slice_of(copy, whole.len), record, t);
	free(copy);
	return r;
}

/* The first byte says which type is asked for, and whether the answer's head
 * and question are made to fit. */
int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static const unsigned types[] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_MX,
					 DNS_TYPE_MX};
	struct slice in = slice_of((const char *)at, n);
	uint8_t how = fuzz_byte(&in);
	struct dns_wire wire;
	struct told full, again, cut;
	struct buf all = {0};
	enum dns_answer_result r;
	size_t end;

	dns_wire_ask(&wire, SLICE("some.host.example"), types[how & 3]);
	memset(wire.bytes, 7, 2); /* the same each time */
	if (how & 4) {
		buf_put(&all, wire.bytes, wire.asked);
		all.mem[2] = (char)0x81;
		all.mem[3] = (char)(how >> 4);
		all.mem[7] = (char)fuzz_byte(&in);
	}
	buf_puts(&all, in);
	r = look(&wire, buf_slice(&all), &full);
	fuzz_check(full.n <= DNS_RECORDS_MAX);
	fuzz_check(look(&wire, buf_slice(&all), &again) == r);
	fuzz_check(again.n == full.n && again.sum == full.sum);
	for (end = 0; end < all.len; end += 1 + all.len / 16) {
		look(&wire, slice_of(buf_slice(&all).at, end), &cut);
		fuzz_check(cut.n <= full.n);
		fuzz_check(end >= wire.asked || cut.n == 0);
	}
	buf_free(&all);
	return 0;
}
