/* tls_names_test - which certificates and keys are taken from a peer, and
 * which roots are heeded; openssl makes them */
#include "lib/clock.h"
#include "lib/tls_cert.h"
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static char dir[] = "/tmp/quail-tls-names-XXXXXX";

/* authority NAME DAYS; server NAME AUTHORITY CURVE EXTENSIONS */
static const char script[] =
    "set -e; exec 2>/dev/null\n"
    "ec() { openssl ecparam -genkey -noout -name \"$2\" -out \"$1.key\"; }\n"
    "authority() {\n"
    "	ec \"$1\" prime256v1\n"
    "	printf 'basicConstraints=critical,CA:TRUE\\n' >\"$1.ext\"\n"
    "	openssl req -new -key \"$1.key\" -subj \"/CN=$1\" -out \"$1.csr\"\n"
    "	openssl x509 -req -in \"$1.csr\" -signkey \"$1.key\" \\\n"
    "	    -extfile \"$1.ext\" -days \"$2\" -out \"$1.pem\"\n"
    "}\n"
    "server() {\n"
    "	ec \"$1\" \"$3\"\n"
    "	openssl req -new -key \"$1.key\" -subj /CN=a.test -out \"$1.csr\"\n"
    "	printf \"$4\" >\"$1.ext\"\n"
    "	openssl x509 -req -in \"$1.csr\" -CA \"$2.pem\" -CAkey \"$2.key\" \\\n"
    "	    -CAcreateserial -extfile \"$1.ext\" -days 10 -out \"$1.pem\"\n"
    "}\n"
    "authority ca 30; authority old -1\n"
    "san='subjectAltName=DNS:a.test\\n'\n"
    "eku=extendedKeyUsage=\n"
    "server good ca prime256v1 \"$san\"\n"
    "server wide ca prime256v1 \"${san}${eku}clientAuth,serverAuth\\n\"\n"
    "server mail ca prime256v1 \"${san}${eku}emailProtection,clientAuth\\n\"\n"
    "server bare ca prime256v1 'basicConstraints=CA:FALSE\\n'\n"
    "server other ca prime256v1 'subjectAltName=DNS:b.test\\n'\n"
    "server star ca prime256v1 'subjectAltName=DNS:b.test,DNS:*.test\\n'\n"
    "server p384 ca secp384r1 \"$san\"\n"
    "server p521 ca secp521r1 \"$san\"\n"
    "server late old prime256v1 \"$san\"\n"
    "cat old.pem ca.pem >both.pem\n"
    "i=1; up=ca; while [ $i -le 7 ]; do\n"
    "	ec up$i prime256v1\n"
    "	openssl req -new -key up$i.key -subj /CN=up$i -out up$i.csr\n"
    "	openssl x509 -req -in up$i.csr -CA $up.pem -CAkey $up.key \\\n"
    "	    -CAcreateserial -extfile ca.ext -days 10 -out up$i.pem\n"
    "	up=up$i; i=$((i + 1))\n"
    "done\n"
    "server long up7 prime256v1 \"$san\"\n"
    "server short up3 prime256v1 \"$san\"\n"
    "for i in 7 6 5 4 3 2 1; do cat up$i.pem; done >ups\n"
    "for i in 3 2 1; do cat up$i.pem; done >some\n"
    "cat ups >>long.pem; cat some >>short.pem\n"
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt \\\n"
    "    rsa_keygen_pubexp:4294967297 -out dear.key\n"
    "openssl req -x509 -new -key dear.key -subj /CN=x -days 9 -out dear.pem\n"
    "openssl ecparam -genkey -noout -name secp521r1 -out own.key\n"
    "openssl req -x509 -new -key own.key -subj /CN=x -days 9 -out own.pem\n"
    "chmod 600 *.key\n";

static bool
make_files(void)
{
	return mkdtemp(dir) && chdir(dir) == 0 &&
	       system("command -v openssl >/dev/null 2>&1") == 0 &&
	       system(script) == 0;
}

static struct tls_key *
open_key(const char *name, struct buf *why)
{
	char cert[32], key[32];

	snprintf(cert, sizeof cert, "%s.pem", name);
	snprintf(key, sizeof key, "%s.key", name);
	return tls_key_open(cert, key, why);
}

/* Why the client does not take it; "" when it does. */
static const char *
why_not(struct tls_roots *roots, const struct tls_key *key)
{
	struct tls_expected e = {.roots = roots, .name = "a.test"};
	static char said[200];
	struct stream client, server;
	bool open = false;
	int fds[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	stream_plain_take(&client, fds[0]);
	stream_plain_take(&server, fds[1]);
	tls_client(&client, NULL, &e);
	tls_server(&server, key);
	for (i = 0; i < 1000 && !open; i++) {
		open = stream_flush(&client) == 0;
		open &= stream_flush(&server) == 0;
	}
	snprintf(said, sizeof said, "%s",
		 open		       ? ""
		 : stream_why(&client) ? stream_why(&client)
				       : "it does not end");
	stream_close(&client);
	stream_close(&server);
	return said;
}

static void
test_server(struct tls_roots *roots, const char *name, const char *says)
{
	struct buf why = {0};
	struct tls_key *key = open_key(name, &why);
	const char *said = key ? why_not(roots, key) : "no key";

	ok(*says ? strstr(said, says) != NULL : !*said, "%s: %s", name, said);
	tls_key_close(key);
	buf_free(&why);
}

static void
test_names(struct tls_roots *roots)
{
	test_server(roots, "good", "");
	test_server(roots, "wide", "");
	test_server(roots, "star", "");
	test_server(roots, "p384", "");
	test_server(roots, "short", "");
	test_server(roots, "mail", "forbids this use");
	test_server(roots, "bare", "no subjectAltName");
	test_server(roots, "other", "another name");
	test_server(roots, "long", "too many certificates");
	test_server(roots, "late", "no authority that we trust");
}

/* A process lives longer than a root may. */
static void
test_dates(struct tls_roots *roots)
{
	const struct tls_anchors *before = tls_roots_now(roots), *after;
	int64_t day_us = INT64_C(86400) * 1000000;

	ok(before->n == 1 && tls_roots_now(roots) == before,
	   "roots that are valid: %zu", before->n);
	clock_jump_for_tests(29 * day_us);
	ok(tls_roots_now(roots) == before, "for 29 days");
	clock_jump_for_tests(2 * day_us);
	after = tls_roots_now(roots);
	ok(after->n == 0 && after->serial != before->serial,
	   "not for 31: then no session of theirs is good either");
	test_server(roots, "good", "no authority that we trust");
	clock_jump_for_tests(-31 * day_us);
	test_server(roots, "good", "");
	clock_jump_for_tests(-2 * day_us);
	ok(tls_roots_now(roots)->n == 0, "nor before they begin");
	clock_jump_for_tests(2 * day_us);
}

static void
test_own(const char *name)
{
	struct buf why = {0};
	struct tls_key *key = open_key(name, &why);

	ok(!key && why.len > 0, "no such key of our own: %.*s", (int)why.len,
	   buf_slice(&why).at);
	buf_free(&why);
}

/* A client that does the exchange on this curve only: is the server with it?
 */
static void
test_exchange(const struct tls_key *key, int curve, bool taken)
{
	br_ec_impl one = *br_ec_get_default();
	struct stream client, server;
	struct tls_pin pin;
	struct tls_expected e = {.pin = &pin};
	bool open = false;
	int fds[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	tls_key_own_pin(key, &pin);
	stream_plain_take(&client, fds[0]);
	stream_plain_take(&server, fds[1]);
	tls_client(&client, NULL, &e);
	one.supported_curves = (uint32_t)1 << curve;
	br_ssl_engine_set_ec(((struct tls *)client.state)->engine, &one);
	tls_client_again(client.state, false);
	tls_server(&server, key);
	for (i = 0; i < 100 && !open; i++) {
		open = stream_flush(&client) == 0;
		open &= stream_flush(&server) == 0;
	}
	ok(open == taken, "an exchange on curve %d: %s", curve,
	   open ? "done" : "refused");
	stream_close(&client);
	stream_close(&server);
}

static void
test_exchanges(void)
{
	struct buf why = {0};
	struct tls_key *key = open_key("good", &why);

	test_exchange(key, BR_EC_curve25519, true);
	test_exchange(key, BR_EC_secp256r1, true);
	test_exchange(key, BR_EC_secp384r1, false);
	test_exchange(key, BR_EC_secp521r1, false);
	tls_key_close(key);
	buf_free(&why);
}

static void
keep(void *user, const char *kind, struct slice der)
{
	struct buf *to = user;

	if (to->len == 0 && strcmp(kind, "CERTIFICATE") == 0)
		buf_puts(to, der);
}

static struct buf
read_der(const char *file)
{
	struct buf der = {0}, why = {0};

	if (tls_pem_read(file, NULL, &why, keep, &der) != 0 || der.len == 0)
		abort();
	buf_free(&why);
	return der;
}

/* What the check of a peer that may be known by its pin says. */
static unsigned
checked(struct slice der)
{
	const br_x509_class **ctx;
	struct tls_check c;

	tls_check_init(&c, NULL);
	ctx = &c.vtable;
	(*ctx)->start_chain(ctx, NULL);
	(*ctx)->start_cert(ctx, (uint32_t)der.len);
	(*ctx)->append(ctx, (const unsigned char *)der.at, der.len);
	(*ctx)->end_cert(ctx);
	return (*ctx)->end_chain(ctx);
}

/* What a peer's key costs us. */
static void
test_fair(const char *file, bool fair)
{
	struct buf der = read_der(file);
	br_x509_decoder_context d;

	br_x509_decoder_init(&d, NULL, NULL);
	br_x509_decoder_push(&d, buf_slice(&der).at, der.len);
	ok(tls_price_fair(br_x509_decoder_get_pkey(&d)) == fair &&
	       checked(buf_slice(&der)) == (fair ? 0 : BR_ERR_X509_UNSUPPORTED),
	   "%s: %s", file, fair ? "fair" : "too dear");
	buf_free(&der);
}

static void
test_cert(const char *file, bool has_names, bool for_server)
{
	struct buf der = read_der(file);
	struct slice all = buf_slice(&der);
	struct tls_cert c;
	size_t cut, n;

	n = tls_cert_read(all, &c) != 0;
	ok(n == 0 && c.has_names == has_names && c.for_server == for_server,
	   "%s: names %d, server %d", file, c.has_names, c.for_server);
	for (cut = n = 0; cut < all.len; cut++)
		n += tls_cert_read(slice_of(all.at, cut), &c) != 0;
	ok(n == all.len, "%s: cut anywhere it is none", file);
	for (cut = 0; cut < all.len; cut++) {
		char old = der.mem[der.off + cut];

		der.mem[der.off + cut] = (char)0xff;
		tls_cert_read(all, &c);
		der.mem[der.off + cut] = old;
	}
	buf_free(&der);
}

int
main(void)
{
	struct tls_roots *roots;
	struct buf why = {0};

	if (!make_files()) {
		printf("1..0 # SKIP there is no openssl that makes them\n");
		return 0;
	}
	roots = tls_roots_open("both.pem", &why);
	if (!roots)
		abort();
	test_names(roots);
	test_dates(roots);
	test_exchanges();
	test_own("own");
	test_own("dear");
	test_fair("good.pem", true);
	test_fair("p384.pem", true);
	test_fair("p521.pem", false);
	test_fair("dear.pem", false);
	test_cert("good.pem", true, true);
	test_cert("wide.pem", true, true);
	test_cert("mail.pem", true, false);
	test_cert("bare.pem", false, true);
	tls_roots_close(roots);
	buf_free(&why);
	if (system("rm -f ./*") != 0 || chdir("/") != 0 || rmdir(dir) != 0)
		abort();
	return tap_done();
}
