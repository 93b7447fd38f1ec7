#include "queue/idle.h"

#include "lib/home.h"
#include "lib/log.h"
#include "queue/offline.h"

#include <sys/wait.h>
#include <unistd.h>

/* Has the node hubs, and no daemon for the queue that is there? */
static bool
is_idle(void)
{
	struct config c = {0};
	struct buf why = {0};
	struct slice hub;
	bool idle = false;

	if (access(HOME_QUEUE "/seg", F_OK) == 0 &&
	    config_open(&c, HOME_CONFIG, &why) == 0) {
		idle = config_qmqpserver(&c, 0, &hub) &&
		       !(config_needs(&c) & CONFIG_NEEDS_QUEUE);
		config_close(&c);
	}
	buf_free(&why);
	return idle;
}

static void
count(const char *dir)
{
	struct offline o;
	struct buf line = {0};
	size_t n;

	if (chdir(dir) != 0 || !is_idle())
		return;
	offline_open(&o);
	n = o.store.messages.n;
	offline_close(&o);
	if (n == 0)
		return;
	buf_text(&line, "queue: ");
	buf_number(&line, n);
	buf_text(&line, n == 1 ? " message is" : " messages are");
	buf_text(&line, " in it, and by these tables no daemon serves it; to "
			"empty it, write a table routes, such as \"* "
			"qmtp:HUB:209\", until \"quail queue list\" shows "
			"none\n");
	log_lines(buf_slice(&line));
	buf_free(&line);
}

void
idle_tell(const char *dir)
{
	pid_t pid = fork();

	if (pid == 0) {
		log_child();
		count(dir);
		log_finish();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}
