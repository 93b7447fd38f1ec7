/* tls_cert.h - what a certificate says it may be used for
 *
 * BearSSL 0.6 takes a server's name from the subject where there is no other,
 * and does not look at what a key is for. This does: by RFC 6125 (6.4.4) a
 * name is a subjectAltName, and by RFC 5280 (4.2.1.12) a certificate with
 * extended key usages is for these only. No more than that is looked at;
 * names, dates and signatures are BearSSL's.
 *
 * Source  RFC 5280 (4.1), X.690
 * Test    tests/tls_cert_test.c, tests/tls.t, tests/fuzz/x509_fuzz.c
 */
#ifndef QUAIL_LIB_TLS_CERT_H
#define QUAIL_LIB_TLS_CERT_H

#include "lib/slice.h"

enum { TLS_CERT_MAX = 16 * 1024 }; /* bytes of one that is looked at */

struct tls_cert {
	bool has_names;	 /* a subjectAltName, whatever is in it */
	bool for_server; /* serverAuth is among its usages, or it has none */
};

/* tls_cert_read - look through one certificate
 *
 * Takes    der, all of it.
 * Returns  0 and *c; -1: it is broken, *c says nothing.
 */
int
tls_cert_read(struct slice der, struct tls_cert *c);

#endif
