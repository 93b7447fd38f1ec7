#include "smtp-gateway/judge.h"

/* How to know that a 5xx is about our set-up. What is NULL, or 0, does not
 * matter; a word is the beginning of one in the text, in any case. */
struct sign {
	unsigned code;
	const char *status;
	const char *word;
	bool of_smarthost; /* counts from those only */
};

static const struct sign signs[] = {
    /* TLS first, or a login */
    {523, NULL, NULL, false},
    {530, NULL, NULL, false},
    {534, NULL, NULL, false},
    {535, NULL, NULL, false},
    {538, NULL, NULL, false},
    {0, "5.7.8", NULL, false},
    {0, "5.7.9", NULL, false},
    {0, "5.7.10", NULL, false},
    {0, "5.7.11", NULL, false},
    {0, "5.7.29", "TLS", false}, /* Gmail */
    {0, NULL, "STARTTLS", false},
    {0, NULL, "TLS", true},
    {0, NULL, "SSL", true},
    {0, NULL, "encrypt", true},
    {0, NULL, "authentic", true},
    {0, NULL, "AUTH required", true},
    {0, NULL, "AUTH command", true},
    {0, NULL, "AUTH first", true},
    {0, NULL, "SMTP AUTH", true},
    {0, NULL, "SMTP-AUTH", true},
    {0, NULL, "login", true},
    {0, NULL, "password", true},
    /* the name that we gave */
    {0, NULL, "HELO command", false},
    {0, NULL, "EHLO command", false},
    {504, NULL, "HELO", false},
    {504, NULL, "EHLO", false},
    /* it does not know us */
    {0, NULL, "relay", true},
    {0, NULL, "rcpthosts", true},
    {0, "5.7.54", NULL, true},
    {0, "5.7.57", NULL, true},
    {0, "5.7.64", NULL, true},
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Does a word of the text begin so? Addresses are none of it. */
static bool
has_word(struct slice text, struct slice word)
{
	size_t i, depth = 0;

	for (i = 0; i + word.len <= text.len; i++) {
		char c = text.at[i];

		depth += c == '<';
		depth -= c == '>' && depth > 0;
		if (depth == 0 && (i == 0 || !is_letter(text.at[i - 1])) &&
		    slice_case_eq(slice_of(text.at + i, word.len), word))
			return true;
	}
	return false;
}

/* What a mailbox, an address or the text is said to be is no matter of ours,
 * whatever the words are. */
static bool
of_the_mail(struct slice status)
{
	return status.len > 2 && strchr("1236", status.at[2]);
}

static bool
shows(const struct sign *sign, const struct smtpc *c, const struct verdict *v)
{
	struct slice said = slice_of(c->text, c->len);

	if ((sign->code && sign->code != c->code) ||
	    (sign->status &&
	     !slice_eq(verdict_status(v), slice_text(sign->status))))
		return false;
	return !sign->word || (!of_the_mail(verdict_status(v)) &&
			       has_word(said, slice_text(sign->word)));
}

/* 500, 502, 503, 504: it does not know the command, or not here, or not so.
 * Another host may; but what is said again is meant. */
static bool
is_doubtful(const struct smtpc *c, struct judge how)
{
	return how.at != JUDGE_TEXT && !how.again &&
	       (c->code == 500 || (c->code >= 502 && c->code <= 504));
}

static bool
about_us(const struct smtpc *c, struct judge how, const struct verdict *v)
{
	size_t i;

	if (is_doubtful(c, how))
		return true;
	for (i = 0; i < sizeof signs / sizeof *signs; i++)
		if ((how.is_smarthost || !signs[i].of_smarthost) &&
		    shows(&signs[i], c, v))
			return true;
	return false;
}

static bool
status_is(const struct verdict *v, const char *begin)
{
	return slice_starts(verdict_status(v), slice_text(begin));
}

static enum verdict_about
about(const struct smtpc *c, enum judge_at at, const struct verdict *v)
{
	if (c->code == 0 || c->stray)
		return VERDICT_HOST;
	if (c->code == 421)
		return VERDICT_LESS;
	if (status_is(v, "4.1.") || status_is(v, "4.2.") ||
	    status_is(v, "4.6.") || status_is(v, "4.7.") ||
	    (c->code == 450 && at == JUDGE_RCPT))
		return VERDICT_MAIL;
	return VERDICT_HOST;
}

void
judge(const struct smtpc *c, struct slice host, struct judge how,
      struct verdict *v)
{
	smtpc_verdict(c, host, v);
	if (v->code == 'D' && about_us(c, how, v)) {
		v->code = 'Z';
		v->about = VERDICT_HOST;
	} else if (v->code == 'Z') {
		v->about = (uint8_t)about(c, how.at, v);
	}
}

bool
judge_too_many(const struct smtpc *c)
{
	struct verdict v;

	if (c->n_good == 0 || (c->code != 452 && c->code != 552))
		return false;
	smtpc_verdict(c, SLICE(""), &v);
	return !of_the_mail(verdict_status(&v));
}

bool
judge_elsewhere(const struct verdict *v, bool again)
{
	if (v->code != 'Z')
		return false;
	return again || !(v->about == VERDICT_LESS || status_is(v, "4.7.") ||
			  status_is(v, "4.2."));
}
