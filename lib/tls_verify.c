/* Is this the server of that name? BearSSL's validator, and what it leaves
 * out: see tls_cert.h. */
#include "lib/owner.h"
#include "lib/tls_cert.h"
#include "lib/tls_parts.h"

#include <stdlib.h>

static struct tls_verify *
verify_of(const br_x509_class **ctx)
{
	return OWNER(ctx, struct tls_verify, vtable);
}

static const br_x509_class **
minimal(struct tls_verify *v)
{
	return &v->minimal.vtable;
}

static void
start_chain(const br_x509_class **ctx, const char *name)
{
	struct tls_verify *v = verify_of(ctx);

	v->n_certs = 0;
	v->fault = 0;
	v->nameless = false;
	(*minimal(v))->start_chain(minimal(v), name);
}

/* Behind an authority that is trusted nothing matters any more. */
static bool
matters(const struct tls_verify *v)
{
	return v->fault == 0 && v->minimal.err == 0;
}

static void
start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct tls_verify *v = verify_of(ctx);

	buf_clear(&v->cert);
	if (matters(v) &&
	    (length > TLS_CERT_MAX || ++v->n_certs > TLS_CHAIN_PEER_MAX))
		v->fault = BR_ERR_X509_LIMIT_EXCEEDED;
}

static void
append(const br_x509_class **ctx, const unsigned char *at, size_t n)
{
	struct tls_verify *v = verify_of(ctx);

	if (matters(v))
		buf_put(&v->cert, at, n);
}

static unsigned
fault_of(struct tls_verify *v)
{
	struct tls_cert c;

	if (tls_cert_read(buf_slice(&v->cert), &c) != 0)
		return BR_ERR_X509_UNEXPECTED;
	if (!c.for_server)
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	v->nameless = v->n_certs == 1 && !c.has_names;
	return v->nameless ? BR_ERR_X509_BAD_SERVER_NAME : 0;
}

/* BearSSL gets it as a whole: it may call a chain good before it has seen the
 * end of a certificate. */
static void
end_cert(const br_x509_class **ctx)
{
	struct tls_verify *v = verify_of(ctx);
	const br_x509_class **m = minimal(v);

	if (!matters(v))
		return;
	v->fault = fault_of(v);
	if (v->fault == 0) {
		(*m)->start_cert(m, (uint32_t)v->cert.len);
		(*m)->append(m, (const uint8_t *)buf_slice(&v->cert).at,
			     v->cert.len);
		(*m)->end_cert(m);
	}
	buf_free(&v->cert);
}

static unsigned
end_chain(const br_x509_class **ctx)
{
	struct tls_verify *v = verify_of(ctx);

	if (v->fault != 0)
		return v->fault;
	return (*minimal(v))->end_chain(minimal(v));
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	struct tls_verify *v = verify_of((const br_x509_class **)ctx);

	return v->fault != 0
		   ? NULL
		   : (*minimal(v))
			 ->get_pkey((const br_x509_class *const *)minimal(v),
				    usages);
}

static const br_x509_class verify_class = {sizeof(struct tls_verify),
					   start_chain,
					   start_cert,
					   append,
					   end_cert,
					   end_chain,
					   get_pkey};

/* BearSSL has made its validator the engine's; now it is ours. */
void
tls_verify_begin(struct tls_verify *v, br_ssl_engine_context *e)
{
	v->vtable = &verify_class;
	br_x509_minimal_set_minrsa(&v->minimal, TLS_RSA_MIN);
	tls_price_chain(&v->minimal);
	br_ssl_engine_set_x509(e, &v->vtable);
}

void
tls_verify_free(struct tls_verify *v)
{
	if (v)
		buf_free(&v->cert);
	free(v);
}
