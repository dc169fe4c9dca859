/* The other side: libvirt's own codec without a daemon, a bus or a disk, in its driver for tests.
 *
 * Each line of the input is a number of calls and the file of a document. The document is defined so often, each time anew and
 * over the one before, and printed each time. The answer is a line: the nanoseconds of all calls together, or "refused" and
 * why.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char document[1 << 20];

static void silence(void *data, virErrorPtr error)
{
    (void)data;
    (void)error;
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int load(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    size_t length = fread(document, 1, sizeof document - 1, file);
    document[length] = 0;
    return fclose(file);
}

/* Defines and prints once; 0 when both went well. */
static int define(virConnectPtr connection)
{
    virDomainPtr domain = virDomainDefineXML(connection, document);
    if (!domain)
        return -1;
    char *xml = virDomainGetXMLDesc(domain, 0);
    int failed = !xml;
    free(xml);
    virDomainFree(domain);
    return -failed;
}

int main(void)
{
    virSetErrorFunc(NULL, silence);
    virConnectPtr connection = virConnectOpen("test:///default");
    if (!connection)
        return 1;
    char line[4096], path[4096];
    int calls;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%d %4095[^\n]", &calls, path) != 2 || load(path) != 0)
            return 1;
        long long since = now();
        int failed = 0;
        for (int call = 0; call < calls && !failed; call++)
            failed = define(connection);
        if (failed)
            printf("refused %s\n", virGetLastErrorMessage());
        else
            printf("%lld\n", now() - since);
        fflush(stdout);
    }
    return virConnectClose(connection) < 0;
}
