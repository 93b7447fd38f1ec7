/* x509 - certificates of any bytes, as the peer of a handshake sends them, at
 * every cut; by name against a root of its own; and private keys
 *
 * The pin is that of bytes that stand in the certificate. BearSSL itself is
 * not instrumented: the fuzzer sees only what it says.
 */
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A chain: certificates with two bytes of length in front of each. */
struct chain {
	struct slice certs[TLS_CHAIN_MAX];
	size_t n;
};

static void
split(struct slice in, struct chain *c)
{
	for (c->n = 0; in.len > 0 && c->n < TLS_CHAIN_MAX; c->n++) {
		size_t len = (size_t)fuzz_byte(&in) << 8;

		len |= fuzz_byte(&in);
		c->certs[c->n] = fuzz_take(&in, len);
	}
}

struct appending {
	const br_x509_class **ctx;
};

static bool
append(void *user, struct slice piece)
{
	const br_x509_class **ctx = ((struct appending *)user)->ctx;

	(*ctx)->append(ctx, (const unsigned char *)piece.at, piece.len);
	return true;
}

static unsigned
check_chain(const br_x509_class **ctx, const struct chain *c,
	    struct fuzz_cuts *cuts)
{
	struct appending a = {ctx};
	size_t i;

	(*ctx)->start_chain(ctx, "hub.test");
	for (i = 0; i < c->n; i++) {
		(*ctx)->start_cert(ctx, (uint32_t)c->certs[i].len);
		fuzz_feed(c->certs[i], cuts, append, &a);
		(*ctx)->end_cert(ctx);
	}
	return (*ctx)->end_chain(ctx);
}

static void
by_pin(const struct chain *chain, struct fuzz_cuts *cuts)
{
	static struct tls_check a, b;
	uint8_t spki[TLS_SPKI_MAX];
	const br_x509_pkey *key;
	unsigned error;
	size_t n;

	tls_check_init(&a, NULL);
	error = check_chain(&a.vtable, chain, NULL);
	tls_check_init(&b, NULL);
	/* which error it is depends on the cuts in BearSSL 0.6, not that */
	fuzz_check(!error == !check_chain(&b.vtable, chain, cuts));
	fuzz_check(a.good == (error == 0) && a.good == b.good);
	if (error)
		return;
	fuzz_check(tls_pin_eq(&a.pin, &b.pin));
	key = a.vtable->get_pkey(&a.vtable, NULL);
	n = tls_spki(key, spki);
	fuzz_check(n > 0 && n <= TLS_SPKI_MAX);
	tls_check_init(&b, &a.pin);
	fuzz_check(check_chain(&b.vtable, chain, cuts) == 0 && b.good);
	a.pin.bytes[n % TLS_PIN_BYTES] ^= 1;
	tls_check_init(&b, &a.pin);
	fuzz_check(check_chain(&b.vtable, chain, cuts) != 0 && b.different);
}

static unsigned
verified(const struct chain *chain, struct fuzz_cuts *cuts)
{
	static struct tls_verify v;
	static br_ssl_client_context client;
	unsigned error;

	v = (struct tls_verify){0};
	br_ssl_client_init_full(&client, &v.minimal, NULL, 0);
	tls_verify_begin(&v, &client.eng);
	error = check_chain(&v.vtable, chain, cuts);
	buf_free(&v.cert);
	return error;
}

/* Nobody is trusted: no root is there. */
static void
by_name(const struct chain *chain, struct fuzz_cuts *cuts)
{
	unsigned error = verified(chain, NULL);

	fuzz_check(error != 0);
	fuzz_check(verified(chain, cuts) == error);
}

static const char *
memory_file(struct slice s)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("key", MFD_CLOEXEC);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		fuzz_check(fchmod(fd, 0600) == 0);
	}
	fuzz_check(ftruncate(fd, 0) == 0);
	fuzz_check(pwrite(fd, s.at, s.len, 0) == (ssize_t)s.len);
	return path;
}

/* As it stands in a file. */
static void
in_a_file(const char *kind, struct slice der)
{
	static struct buf pem;
	struct buf why = {0};
	struct tls_roots *roots;
	struct tls_key *key;
	struct tls_pin pin;
	const char *path;
	int r;

	buf_clear(&pem);
	tls_pem_put(&pem, kind, der);
	path = memory_file(buf_slice(&pem));
	r = tls_key_file_pin(path, &pin, &why);
	fuzz_check((r == 0) == (why.len == 0));
	roots = tls_roots_open(path, &why);
	tls_roots_close(roots);
	key = tls_key_open(path, path, &why);
	fuzz_check(!key); /* it is the one or the other */
	buf_free(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static const char *const kinds[] = {
	    "CERTIFICATE", "PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"};
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in) & 7;
	struct chain chain;

	if (what < 4) {
		in_a_file(kinds[what], in);
		return 0;
	}
	split(in, &chain);
	if (what & 1)
		by_pin(&chain, &cuts);
	else
		by_name(&chain, &cuts);
	return 0;
}
