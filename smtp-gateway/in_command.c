#include "smtp-gateway/in_parts.h"

#include "cdb/client.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"

/* What its line in access says of this client. */
static void
limit_to_client(struct in_session *s)
{
	struct config_client line;

	config_client(s->in->config, &s->peer, NULL, &line);
	s->most =
	    line.size > 0 && line.size < LIMIT_TEXT ? line.size : LIMIT_TEXT;
}

static void
extensions(struct in_session *s)
{
	struct buf size = {0};

	limit_to_client(s);
	buf_number(&size, s->most);
	in_reply(s, "250-PIPELINING");
	conn_put(&s->conn, SLICE("250-SIZE "));
	conn_put(&s->conn, buf_slice(&size));
	in_reply(s, "\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES");
	buf_free(&size);
}

static void
helo(struct in_session *s)
{
	bool esmtp = s->smtpd.command.verb == SMTPD_EHLO;

	in_forget_mail(s);
	s->greeted = true;
	s->esmtp = esmtp;
	buf_free(&s->helo);
	buf_puts(&s->helo, s->smtpd.command.argument);
	conn_put(&s->conn, esmtp ? SLICE("250-") : SLICE("250 "));
	conn_put(&s->conn, config_me(s->in->config));
	conn_put(&s->conn, SLICE("\r\n"));
	if (esmtp)
		extensions(s);
}

static void
log_refused(const struct in_session *s, const char *why)
{
	struct slice sender = buf_slice(&s->envelope);

	sender.len = slice_find(sender, '\0');
	if (!in_log_open(s, "refused", why, OFTEN_FEW))
		return;
	in_log_peer(s);
	log_bytes("from", s->has_sender ? sender : s->smtpd.command.address);
	if (s->has_sender)
		log_bytes("to", s->smtpd.command.address);
	log_text("why", why);
	log_close();
}

static void
refuse(struct in_session *s, char code, const char *why)
{
	struct verdict v;
	struct buf line = {0};
	struct slice text;

	verdict_say(&v, code, why);
	text = verdict_text(&v);
	if (slice_find(text, '(') < text.len)
		text.len = slice_find(text, '(');
	if (slice_eq(verdict_status(&v), SLICE("5.3.4"))) /* RFC 1870 */
		buf_text(&line, "552 ");
	else
		buf_text(&line, code == 'D' ? "550 " : "451 ");
	buf_puts(&line, verdict_status(&v));
	buf_putc(&line, ' ');
	buf_puts(&line, slice_trim(text));
	buf_putc(&line, '\0');
	log_refused(s, why);
	in_error(s, line.mem);
	buf_free(&line);
}

/* The tables have changed: is who has said the client's address believed? */
static bool
is_unbalanced(struct in_session *s)
{
	if (s->tables == s->in->config->generation)
		return false;
	s->tables = s->in->config->generation;
	return !server_still_trusts(s->balanced, s->conn.stream.fd);
}

static char
client_allows(struct in_session *s, const char **why)
{
	const struct smtpd_command *c = &s->smtpd.command;
	char code =
	    client_sender(s->in->config, &s->peer, NULL, c->address, why);

	return code == 'K' ? client_begin(s->in->config, &s->in->server.clients,
					  &s->peer, NULL, c->size, why)
			   : code;
}

static void
mail(struct in_session *s)
{
	const struct smtpd_command *c = &s->smtpd.command;
	const char *why = "";
	char code;

	if (!s->greeted) {
		in_error(s, "503 5.5.1 say EHLO first");
	} else if (s->has_sender) {
		in_error(s, "503 5.5.1 one MAIL at a time");
	} else if (is_unbalanced(s)) {
		in_finish(s, "421 4.7.1 the balancer that named this client is "
			     "not trusted any more");
	} else if (c->size > LIMIT_TEXT) {
		in_error(s, "552 5.3.4 message too big");
	} else if ((code = client_allows(s, &why)) != 'K') {
		refuse(s, code, why);
	} else {
		limit_to_client(s);
		s->rights = config_access(s->in->config, &s->peer);
		buf_puts(&s->envelope, c->address);
		buf_putc(&s->envelope, '\0');
		s->has_sender = true;
		in_reply(s, "250 2.1.0 ok");
	}
}

/* RFC 5321 section 4.5.1: every host has a postmaster. */
static bool
postmaster(struct slice address)
{
	return slice_case_eq(address, SLICE("postmaster"));
}

static void
rcpt(struct in_session *s)
{
	struct slice address = s->smtpd.command.address;
	const char *why = "";
	char code;

	if (!s->has_sender) {
		in_error(s, "503 5.5.1 say MAIL first");
		return;
	}
	if (s->n_rcpts >= LIMIT_RCPTS_SMTP) {
		in_reply(s, "452 4.5.3 too many recipients");
		return;
	}
	if (s->envelope.cap >= BUDGET_SHARE &&
	    budget_is_spent(&s->in->server.budget)) {
		in_reply(s, "452 4.3.1 too much is being received now");
		return;
	}
	if (postmaster(address))
		code = config_postmaster(s->in->config, address, &why);
	else
		code = config_accepts(s->in->config, s->rights, address, &why);
	if (code != 'K') {
		refuse(s, code, why);
		return;
	}
	buf_puts(&s->envelope, address);
	buf_putc(&s->envelope, '\0');
	in_charge(s);
	s->n_rcpts++;
	in_reply(s, "250 2.1.5 ok");
}

static void
data(struct in_session *s)
{
	if (!s->has_sender)
		in_error(s, "503 5.5.1 say MAIL first");
	else if (s->n_rcpts == 0)
		in_error(s, "554 5.5.1 no valid recipients");
	else
		in_text_begin(s);
}

static void
rset(struct in_session *s)
{
	in_forget_mail(s);
	in_reply(s, "250 2.0.0 ok");
}

static void
noop(struct in_session *s)
{
	in_reply(s, "250 2.0.0 ok");
}

static void
quit(struct in_session *s)
{
	in_finish(s, "221 2.0.0 bye");
}

static void
vrfy(struct in_session *s)
{
	in_reply(s, "252 2.5.0 send some mail and see");
}

static void
help(struct in_session *s)
{
	in_reply(s, "214 2.0.0 RFC 5321");
}

static void
unknown(struct in_session *s)
{
	in_error(s, "500 5.5.1 no such command");
}

/* alone: nothing may come behind it before its reply (RFC 2920) */
static const struct {
	void (*run)(struct in_session *s);
	bool alone;
} commands[] = {
    [SMTPD_UNKNOWN] = {unknown, false}, [SMTPD_HELO] = {helo, true},
    [SMTPD_EHLO] = {helo, true},	[SMTPD_MAIL] = {mail, false},
    [SMTPD_RCPT] = {rcpt, false},	[SMTPD_DATA] = {data, true},
    [SMTPD_RSET] = {rset, false},	[SMTPD_NOOP] = {noop, false},
    [SMTPD_QUIT] = {quit, false},	[SMTPD_VRFY] = {vrfy, false},
    [SMTPD_HELP] = {help, false}};

static void
fault(struct in_session *s, enum smtpd_fault f)
{
	bool sender = s->smtpd.command.verb == SMTPD_MAIL;

	switch (f) {
	case SMTPD_BARE:
	case SMTPD_NUL:
		in_finish(s, "500 5.5.2 lines must end with CR LF; no other "
			     "CR, LF or NUL");
		break;
	case SMTPD_TOO_LONG: in_error(s, "500 5.5.2 line too long"); break;
	case SMTPD_SYNTAX: in_error(s, "501 5.5.4 syntax error"); break;
	case SMTPD_ADDRESS:
		in_error(s, sender ? "501 5.1.7 bad sender address"
				   : "501 5.1.3 bad recipient address");
		break;
	case SMTPD_PARAMETER: in_error(s, "555 5.5.4 unknown parameter"); break;
	case SMTPD_GOOD: break;
	}
}

void
in_command(struct in_session *s, bool more)
{
	const struct smtpd_command *c = &s->smtpd.command;

	if (++s->commands > IN_COMMANDS_MAX + 2 * LIMIT_RCPTS_SMTP)
		in_finish(s, "421 4.7.0 too many commands");
	else if (more && (commands[c->verb].alone || !s->esmtp) &&
		 c->verb != SMTPD_QUIT)
		in_finish(s, "554 5.5.0 wait for the reply");
	else if (c->fault != SMTPD_GOOD)
		fault(s, c->fault);
	else
		commands[c->verb].run(s);
}
