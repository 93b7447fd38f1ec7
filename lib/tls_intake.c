/* How much of a peer's records one call takes, and which of them are worth
 * the work: BearSSL takes all of them, for ever. */
#include "lib/clock.h"
#include "lib/tls_parts.h"

enum { ALERT = 21 };

void
tls_intake_call(struct tls *t)
{
	t->intake.call_records = TLS_CALL_RECORDS;
	t->intake.call_bytes = TLS_CALL_BYTES;
	if (!t->open)
		t->intake.call_until_us = clock_steady_us() + TLS_STEP_US;
}

bool
tls_intake_spent(const struct tls *t)
{
	const struct tls_intake *in = &t->intake;

	return in->call_records == 0 || in->call_bytes == 0 ||
	       (!t->open && in->call_records < TLS_CALL_RECORDS &&
		clock_steady_us() >= in->call_until_us);
}

/* Text resets the count, once it is known to be text. */
static const char *
record_over(struct tls *t, size_t len)
{
	struct tls_intake *in = &t->intake;
	bool says_nothing = t->open || len == 0 || in->head[0] == ALERT;

	in->n_head = 0;
	in->call_records--;
	in->idle = says_nothing ? in->idle + 1 : 0;
	return in->idle > TLS_IDLE_RECORDS
		   ? "the peer sends records without content"
		   : NULL;
}

const char *
tls_intake_push(struct tls *t, const uint8_t *at, size_t n)
{
	struct tls_intake *in = &t->intake;

	in->bytes += n;
	in->call_bytes = n < in->call_bytes ? in->call_bytes - n : 0;
	if (!t->open && in->bytes > TLS_HANDSHAKE_BYTES)
		return "the peer's handshake is too long";
	if (in->n_head < sizeof in->head) {
		memcpy(in->head + in->n_head, at, n);
		in->n_head += n;
		if (in->n_head < sizeof in->head)
			return NULL;
		in->left = (size_t)in->head[3] << 8 | in->head[4];
	} else {
		in->left -= n;
	}
	return in->left > 0
		   ? NULL
		   : record_over(t, (size_t)in->head[3] << 8 | in->head[4]);
}
