/* pem - PEM files of any bytes, objects there and back, and pins */
#include "lib/tls_pem.h"
#include "lib/tls_pin.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char path[64];

static void
write_file(struct slice s)
{
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("pem", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	fuzz_check(ftruncate(fd, 0) == 0);
	fuzz_check(pwrite(fd, s.at, s.len, 0) == (ssize_t)s.len);
}

struct objects {
	struct buf story, again;
	bool odd; /* a kind that cannot be written as it was read */
};

static void
object(void *user, const char *kind, struct slice der)
{
	struct objects *o = user;
	const char *at = kind;

	fuzz_check(strlen(kind) < 128);
	for (o->odd |= !*kind || strlen(kind) > 64; *at; at++)
		o->odd |= *at == '-' || *at < ' ' || *at > '~';
	fuzz_tell(&o->story, kind, der);
	tls_pem_put(&o->again, kind, der);
}

static int
read_all(struct slice file, struct objects *o)
{
	struct buf why = {0};
	int r;

	buf_clear(&o->story);
	buf_clear(&o->again);
	o->odd = false;
	write_file(file);
	r = tls_pem_read(path, NULL, &why, object, o);
	fuzz_check((r == 0) == (why.len == 0));
	fuzz_check(slice_find(buf_slice(&why), '\n') == why.len);
	buf_free(&why);
	return r;
}

/* What was read, written and read again, is the same. */
static void
file(struct slice in)
{
	static struct objects first, second;

	if (read_all(in, &first) != 0 || first.odd)
		return;
	fuzz_check(read_all(buf_slice(&first.again), &second) == 0);
	fuzz_same(&first.story, &second.story);
}

static void
der(struct slice in)
{
	static struct objects o;
	static struct buf pem, expected;

	buf_clear(&pem);
	buf_clear(&expected);
	while (in.len > 0) {
		struct slice one = fuzz_string(&in);

		tls_pem_put(&pem, "CERTIFICATE", one);
		fuzz_tell(&expected, "CERTIFICATE", one);
	}
	fuzz_check(read_all(buf_slice(&pem), &o) == 0);
	fuzz_same(&o.story, &expected);
}

static void
pin(struct slice in)
{
	struct tls_pin a, b;
	struct buf text = {0};
	size_t i;

	if (tls_pin_parse(in, &a) != 0)
		return;
	tls_pin_put(&text, &a);
	fuzz_check(text.len == in.len);
	fuzz_check(slice_case_eq(buf_slice(&text), in));
	fuzz_check(tls_pin_parse(buf_slice(&text), &b) == 0);
	fuzz_check(tls_pin_eq(&a, &b));
	for (i = 0; i < in.len; i++)
		fuzz_check(tls_pin_parse(slice_of(in.at, i), &b) != 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);

	switch (fuzz_byte(&in) % 3) {
	case 0: file(in); break;
	case 1: der(in); break;
	case 2: pin(in); break;
	}
	return 0;
}
