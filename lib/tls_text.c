#include "lib/tls_parts.h"

static const struct {
	int error;
	const char *text;
} texts[] = {
    {BR_ERR_UNSUPPORTED_VERSION, "the peer speaks no TLS 1.2"},
    {BR_ERR_BAD_VERSION, "the peer speaks no TLS 1.2"},
    {BR_ERR_BAD_MAC, "a record was changed on its way"},
    {BR_ERR_UNKNOWN_TYPE, "the peer does not speak TLS"},
    {BR_ERR_TOO_LARGE, "a record is too large"},
    {BR_ERR_INVALID_ALGORITHM, "the peer's key is of a kind we do not know"},
    {BR_ERR_BAD_SIGNATURE, "the peer does not have the key that it shows"},
    {BR_ERR_NO_CLIENT_AUTH, "the client has shown no key"},
    {BR_ERR_X509_EMPTY_CHAIN, "the peer has shown no certificate"},
    {BR_ERR_X509_UNSUPPORTED, "the peer's key is of a kind that we do not "
			      "take; P-256, P-384 and RSA are taken"},
    {BR_ERR_X509_LIMIT_EXCEEDED, "the peer shows too many certificates, or "
				 "one that is too large"},
    {BR_ERR_X509_WRONG_KEY_TYPE, "the peer's certificate has a key of another "
				 "kind than was agreed on"},
    {BR_ERR_X509_BAD_SIGNATURE, "a signature in the peer's certificates is "
				"wrong"},
    {BR_ERR_X509_TIME_UNKNOWN, "this host has no clock, and a certificate "
			       "must be checked"},
    {BR_ERR_X509_EXPIRED, "the peer's certificate has expired, or is not "
			  "valid yet"},
    {BR_ERR_X509_BAD_SERVER_NAME, "the server's certificate is for another "
				  "name"},
    {BR_ERR_X509_CRITICAL_EXTENSION, "the peer's certificate demands what we "
				     "do not know"},
    {BR_ERR_X509_NOT_CA, "the peer's certificate was issued by one that is no "
			 "authority"},
    {BR_ERR_X509_FORBIDDEN_KEY_USAGE, "the peer's certificate forbids this "
				      "use of its key"},
    {BR_ERR_X509_WEAK_PUBLIC_KEY, "the peer's RSA key has less than 2048 "
				  "bits"},
    {BR_ERR_X509_NOT_TRUSTED, "the peer's certificate is of no authority that "
			      "we trust"},
};

static const struct {
	int alert;
	const char *text;
} alerts[] = {
    {40, "handshake failure"},
    {42, "bad certificate"},
    {43, "unsupported kind of certificate"},
    {45, "certificate expired"},
    {46, "certificate unknown"},
    {47, "illegal parameter"},
    {48, "unknown authority"},
    {49, "access denied"},
    {51, "decrypt error"},
    {70, "no common version of TLS"},
    {71, "insufficient security"},
    {80, "internal error"},
    {112, "unknown name"},
    {116, "certificate required"},
};

static const char *
alert_name(int alert)
{
	size_t i;

	for (i = 0; i < sizeof alerts / sizeof *alerts; i++)
		if (alerts[i].alert == alert)
			return alerts[i].text;
	return "an alert without a name of ours";
}

void
tls_text_put(struct buf *out, int error)
{
	size_t i;

	for (i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].error == error) {
			buf_text(out, texts[i].text);
			return;
		}
	if (error >= BR_ERR_SEND_FATAL_ALERT) {
		buf_text(out, "we refused: ");
		buf_text(out, alert_name(error - BR_ERR_SEND_FATAL_ALERT));
	} else if (error >= BR_ERR_RECV_FATAL_ALERT) {
		buf_text(out, "the peer refused: ");
		buf_text(out, alert_name(error - BR_ERR_RECV_FATAL_ALERT));
	} else if (error > BR_ERR_X509_OK) {
		buf_text(out, "the peer's certificate is broken");
	} else {
		buf_text(out, "the peer breaks the rules of TLS");
	}
}
