#include "smtp-gateway/smtpc.h"

enum { STRAY_MAX = 160, REFUSAL_MAX = 200 }; /* of a text that has both */

/* what came of it */

static struct slice
status(struct slice said, char class)
{
	static const char *const none[] = {"2.0.0", "4.0.0", "5.0.0"};
	size_t i = 0, dots = 0;

	while (i < said.len &&
	       (said.at[i] == '.' || (said.at[i] >= '0' && said.at[i] <= '9')))
		dots += said.at[i++] == '.';
	if (dots == 2 && i >= 5 && i <= 9 && said.at[0] == class &&
	    said.at[1] == '.')
		return slice_of(said.at, i);
	return slice_text(none[class == '2' ? 0 : class == '4' ? 1 : 2]);
}

struct line {
	char at[VERDICT_TEXT_MAX];
	size_t len;
};

static void
put(struct line *line, struct slice s)
{
	if (s.len > sizeof line->at - line->len)
		s.len = sizeof line->at - line->len;
	memcpy(line->at + line->len, s.at, s.len);
	line->len += s.len;
}

static void
put_reply(struct line *line, unsigned code, struct slice text)
{
	char digits[4] = {(char)('0' + code / 100 % 10),
			  (char)('0' + code / 10 % 10), (char)('0' + code % 10),
			  ' '};

	put(line, slice_of(digits, sizeof digits));
	put(line, text);
}

/* What was stray is cut short for it: the refusal is the real reason. */
static void
put_refusal(struct line *line, const struct smtpc *c)
{
	struct slice text = slice_of(c->refusal_text, c->refusal_len);

	if (c->refusal == 0)
		return;
	if (line->len > STRAY_MAX)
		line->len = STRAY_MAX;
	if (text.len > REFUSAL_MAX)
		text.len = REFUSAL_MAX;
	put(line, SLICE(" after "));
	put_reply(line, c->refusal, text);
}

void
smtpc_verdict(const struct smtpc *c, struct slice host, struct verdict *v)
{
	struct slice said = slice_of(c->text, c->len);
	char letter = c->stray		   ? 'Z'
		      : c->code / 100 == 2 ? 'K'
		      : c->code >= 500	   ? 'D'
					   : 'Z';
	char class = letter == 'K' ? '2' : letter == 'D' ? '5' : '4';
	struct line line = {.len = 0};

	if (host.len > SMTPC_HOST_MAX)
		host.len = SMTPC_HOST_MAX;
	put(&line, host);
	if (c->code == 0) {
		put(&line, SLICE(" talks no SMTP (#4.5.0)"));
	} else if (c->stray) {
		put(&line, SLICE(" sent an unexpected reply: "));
		put_reply(&line, c->code, said);
		put_refusal(&line, c);
		put(&line, SLICE(" (#4.5.0)"));
	} else {
		put(&line, SLICE(" said: "));
		put_reply(&line, c->code, said);
		put(&line, SLICE(" (#"));
		put(&line, status(said, class));
		put(&line, SLICE(")"));
	}
	verdict_set(v, letter, slice_of(line.at, line.len));
}

const char *
smtpc_where(const struct smtpc *c)
{
	static const char *const where[] = {
	    [SMTPC_S_GREETING] = "waiting for the greeting",
	    [SMTPC_S_EHLO] = "saying EHLO",
	    [SMTPC_S_HELO] = "saying HELO",
	    [SMTPC_S_READY] = "idle",
	    [SMTPC_S_MAIL] = "saying MAIL",
	    [SMTPC_S_RCPT] = "saying RCPT",
	    [SMTPC_S_DATA] = "saying DATA",
	    [SMTPC_S_TEXT] = "sending the text",
	    [SMTPC_S_FINAL] = "waiting for the reply to the text",
	    [SMTPC_S_RSET] = "saying RSET",
	    [SMTPC_S_QUIT] = "saying QUIT",
	    [SMTPC_S_BROKEN] = "broken"};

	return where[c->state];
}
