/* config - a compiled config.cdb of any bytes, its digest made right: whatever
 * it says, no question steps out of it
 *
 * The input is records and what is changed in the file made of them.
 */
#include "cdb/config.h"
#include "cdb/digest.h"
#include "cdb/keys.h"
#include "cdb/map.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEAD = 2048, STAMP_AT = HEAD + 8 + 6 + 15, RECORDS_MAX = 64 };

struct pointer {
	uint32_t hash, at;
};

struct file {
	struct buf bytes;
	struct pointer pointers[RECORDS_MAX];
	size_t n;
};

static void
put32(char *to, uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++)
		to[i] = (char)(v >> 8 * i);
}

static uint32_t
hash_of(struct slice key)
{
	uint32_t h = 5381;
	size_t i;

	for (i = 0; i < key.len; i++)
		h = (h + (h << 5)) ^ (uint8_t)key.at[i];
	return h;
}

static void
add(struct file *f, struct slice key, struct slice value)
{
	char lengths[8];

	if (f->n == RECORDS_MAX)
		return;
	f->pointers[f->n].hash = hash_of(key);
	f->pointers[f->n++].at = (uint32_t)f->bytes.len;
	put32(lengths, (uint32_t)key.len);
	put32(lengths + 4, (uint32_t)value.len);
	buf_put(&f->bytes, lengths, 8);
	buf_puts(&f->bytes, key);
	buf_puts(&f->bytes, value);
}

/* One of the 256 tables of pointers. */
static void
put_table(struct file *f, unsigned t)
{
	struct pointer slots[2 * RECORDS_MAX] = {{0, 0}};
	uint32_t n = 0;
	size_t i, s;

	for (i = 0; i < f->n; i++)
		n += (f->pointers[i].hash & 255) == t;
	n *= 2;
	put32(f->bytes.mem + f->bytes.off + (size_t)8 * t,
	      (uint32_t)f->bytes.len);
	put32(f->bytes.mem + f->bytes.off + (size_t)8 * t + 4, n);
	for (i = 0; i < f->n; i++) {
		if ((f->pointers[i].hash & 255) != t)
			continue;
		s = (f->pointers[i].hash >> 8) % n;
		while (slots[s].at)
			s = (s + 1) % n;
		slots[s] = f->pointers[i];
	}
	for (i = 0; i < n; i++) {
		char two[8];

		put32(two, slots[i].hash);
		put32(two + 4, slots[i].at);
		buf_put(&f->bytes, two, 8);
	}
}

static const char *const tables[] = {
    "me",	  "listen", "access",	     "locals",	    "rcpthosts",
    "users",	  "routes", "needs",	     "qmqpservers", "rewrite",
    "bouncefrom", "has",    "routesby",	     "aliases",	    "limits",
    "tlspolicy",  "dkim",   "virtualdomains"};

/* The input's records, each with a key and a value of the usual form. */
static void
make(struct file *f, struct slice *in)
{
	static struct buf key, value;
	unsigned n = fuzz_byte(in) % RECORDS_MAX, t;

	buf_clear(&f->bytes);
	memset(buf_room(&f->bytes, HEAD), 0, HEAD);
	buf_added(&f->bytes, HEAD);
	f->n = 0;
	add(f, SLICE("\0quail"),
	    SLICE("quail-config " MAP_VERSION
		  " 00000000000000000000000000000000\n"));
	while (n-- > 0 && in->len > 0) {
		uint8_t what = fuzz_byte(in);
		size_t i = what % (sizeof tables / sizeof *tables);

		buf_clear(&key);
		buf_text(&key, tables[i]);
		buf_putc(&key, 0);
		buf_puts(&key, fuzz_string(in));
		buf_clear(&value);
		if (what < 128) {
			buf_text(&value, tables[i]);
			buf_put(&value, ":1", 3);
		}
		buf_puts(&value, fuzz_string(in));
		add(f, buf_slice(&key), buf_slice(&value));
	}
	for (t = 0; t < 256; t++)
		put_table(f, t);
}

/* What is left of the input are bytes to write somewhere. */
static void
damage(struct file *f, struct slice in)
{
	char *mem = f->bytes.mem + f->bytes.off;
	struct digest d;

	while (in.len > 0) {
		size_t at = (size_t)fuzz_byte(&in) << 8 | fuzz_byte(&in);

		mem[at % f->bytes.len] = (char)fuzz_byte(&in);
	}
	digest_init(&d);
	digest_push(&d, slice_of(mem, STAMP_AT));
	digest_push(&d, slice_of(mem + STAMP_AT + DIGEST_HEX,
				 f->bytes.len - STAMP_AT - DIGEST_HEX));
	digest_end(&d, mem + STAMP_AT);
}

static uint64_t sum;
static struct slice mapped;
static struct buf room;

static bool
is_in(struct slice s, struct slice all)
{
	return s.at >= all.at && s.len <= all.len &&
	       (size_t)(s.at - all.at) <= all.len - s.len;
}

/* Touch every byte that is told; they are the file's, or the caller's. */
static void
touch(struct slice s)
{
	size_t i;

	fuzz_check(s.len == 0 || is_in(s, mapped) ||
		   is_in(s, buf_slice(&room)));
	for (i = 0; i < s.len; i++)
		sum += (uint8_t)s.at[i];
}

static void
routes(const struct config *c, struct slice rcpt)
{
	static struct buf out;
	struct config_route route;
	struct slice source;
	const char *why;

	config_route(c, rcpt, &room, &route);
	touch(route.nexthops);
	touch(route.key);
	touch(route.source);
	config_accepts(c, 0, rcpt, &why);
	buf_clear(&out);
	if (config_rewrite(c, "rcpt", rcpt, &out, &source))
		touch(source);
}

static void
others(const struct config *c, struct slice rcpt)
{
	struct slice a = SLICE(""), b = SLICE(""), source = SLICE("");
	struct config_route route;
	struct config_tls_line line;
	unsigned n;

	config_route_from(c, SLICE("s@a.b.test"), rcpt, &room, &route);
	touch(route.text);
	touch(route.weights);
	for (n = 0; n < 8; n++)
		sum += config_weight(&route, n);
	if (config_alias(c, rcpt, &a, &source))
		touch(a);
	if (config_virtual(c, rcpt, &a, &source))
		touch(a);
	if (config_tls_policy(c, SLICE("a.b.test"), &line))
		touch(line.name);
	for (n = 0; n < 8; n++)
		if (config_dkim(c, SLICE("a.b.test"), n, &a, &b, &source))
			touch(b);
}

static void
lists(const struct config *c)
{
	struct slice s, name;
	struct endpoint e;
	struct tls_pin pin = {{0}};
	unsigned n, bits;

	touch(config_me(c));
	for (n = 0; n < 20 && config_listen(c, "qmqp", n, &s); n++)
		touch(s);
	for (n = 0; n < 20 && config_qmqpserver(c, n, &s); n++)
		touch(s);
	if (endpoint_parse(&e, SLICE("192.0.2.1"), 1) == 0)
		sum += config_access(c, &e);
	if (config_access_key(c, &pin, &bits, &name))
		touch(name);
	sum += config_needs(c);
	touch(config_digest(c));
	if (config_text(c, "bouncefrom", &s))
		touch(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct file f;
	static struct buf why;
	static char path[64];
	static int fd = -1;
	struct slice in = slice_of((const char *)at, n);
	struct config c;

	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	make(&f, &in);
	damage(&f, in);
	fuzz_check(ftruncate(fd, (off_t)f.bytes.len) == 0);
	fuzz_check(pwrite(fd, f.bytes.mem + f.bytes.off, f.bytes.len, 0) ==
		   (ssize_t)f.bytes.len);
	buf_clear(&why);
	if (config_open(&c, path, &why) != 0) {
		fuzz_check(why.len > 0);
		return 0;
	}
	mapped = slice_of(config_digest(&c).at - STAMP_AT, f.bytes.len);
	lists(&c);
	routes(&c, SLICE("alice@local.test"));
	others(&c, SLICE("alice@local.test"));
	others(&c, SLICE("x@a.b.test"));
	routes(&c, SLICE("x@a.b.test"));
	config_close(&c);
	return 0;
}
