#include "queue/decision.h"

void
decision_what(const struct config_route *r, struct buf *out)
{
	switch (r->decision) {
	case CONFIG_NEXTHOPS: buf_puts(out, r->nexthops); return;
	case CONFIG_HOLD: buf_text(out, "hold: queue it, do not try"); return;
	case CONFIG_DISCARD:
		buf_text(out, "discard: accept it and throw it away");
		return;
	case CONFIG_NOBODY:
		buf_text(out, "reject: no mailbox here by that name (#5.1.1)");
		return;
	case CONFIG_NOROUTE:
		buf_text(out, "wait: no line of routes fits (#4.4.4)");
		return;
	case CONFIG_REJECT:
		buf_text(out, "reject: ");
		buf_puts(out, r->text);
		return;
	case CONFIG_BADPART: break;
	}
	buf_text(out, "reject: not an address, or its local part cannot be a "
		      "mailbox's name (#5.1.3)");
}

static void
number(struct buf *out, const char *key, uint64_t n, const char *unit)
{
	if (n == 0)
		return;
	buf_putc(out, ' ');
	buf_text(out, key);
	buf_number(out, n);
	buf_text(out, unit);
}

static void
word(struct buf *out, const char *key, struct slice value)
{
	if (value.len == 0)
		return;
	buf_putc(out, ' ');
	buf_text(out, key);
	buf_puts(out, value);
}

static const char *
unit_of(uint32_t per_s)
{
	switch (per_s) {
	case 60: return "/m";
	case 3600: return "/h";
	case 86400: return "/d";
	default: return "/s";
	}
}

void
decision_options(const struct config_route *r, struct buf *out)
{
	number(out, "concurrency=", r->concurrency, "");
	number(out, "rate=", r->pace.n, unit_of(r->pace.per_s));
	number(out, "retry=", r->retry, "");
	number(out, "lifetime=", (uint64_t)r->lifetime_s, "s");
	word(out, "weights=", r->weights);
	word(out, "pool=", r->pool);
	word(out, "class=", r->class);
	word(out, "tls=", slice_text(config_tls_name(r->tls)));
	buf_text(out, r->hold_bounces ? " bounce=hold" : "");
}

void
decision_line(const struct config *c, const struct slice *sender,
	      struct slice rcpt, struct buf *room, struct buf *out,
	      struct slice *source)
{
	struct config_route r;
	const char *why;

	if (sender)
		config_route_from(c, *sender, rcpt, room, &r);
	else
		config_route(c, rcpt, room, &r);
	*source = r.source;
	decision_what(&r, out);
	decision_options(&r, out);
	buf_text(out, config_accepts(c, 0, rcpt, &why) == 'K'
			  ? "; strangers may"
			  : "; strangers may not");
}
