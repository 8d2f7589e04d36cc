/* floor 3: what classes and codes of errors mean.  The one table: help, the reference and a test that each is
 * produced read it. */
#include "error.h"

#include "reader.h"

const crpi_error_code crpi_error_codes[] = {
    {CRP_ERR_SCRIPT, 0, "Carapace", "The language or one of its functions was used wrongly."},
    {CRP_ERR_SCRIPT, CRP_INVALID, "invalid",
     "A host used a value of the interpreter that is no longer there."},
    {CRP_ERR_SCRIPT, CRP_ILLEGAL, "illegal",
     "What the language does not allow here: the head of an empty List, setting a property that is read "
     "only, a form without sense."},
    {CRP_ERR_SCRIPT, CRP_MISSING, "missing",
     "Something that must be there is not: the constructor that a class declares, the name of an "
     "interface."},
    {CRP_ERR_SCRIPT, CRP_UNKNOWN, "unknown",
     "There is no function, class, variable or member of that name; the text tells the nearest names."},
    {CRP_ERR_SCRIPT, CRP_RUNTIME, "runtime error",
     "What was to be done failed: a command ended with a status, a test's expectation is not met, a "
     "pattern takes too many steps."},
    {CRP_ERR_SCRIPT, CRP_NOT_IMPLEMENTED, "not implemented",
     "A method that is declared but not defined; a part of the 1999 suite that is not here yet."},
    {CRP_ERR_SCRIPT, CRP_OUT_OF_RANGE, "index out of range",
     "An index or a number is out of its range; the text tells it."},
    {CRP_ERR_SCRIPT, CRP_BAD_ARGUMENT, "invalid argument",
     "There are too many or too few arguments, or one has a value that cannot be meant."},
    {CRP_ERR_SCRIPT, CRP_DIVISION_BY_ZERO, "division by zero", "An Integer was divided by the Integer 0."},
    {CRP_ERR_SCRIPT, CRP_INTERNAL, "internal error",
     "The interpreter or native code is wrong: please report it."},
    {CRP_ERR_SCRIPT, CRP_TYPE_MISMATCH, "type mismatch",
     "An argument, a result, a variable or a property is not of its class; values that cannot be compared."},
    {CRP_ERR_SCRIPT, CRP_NOT_SUPPORTED, "not supported",
     "What this system, this build or this kind of value cannot do; what was left out of the 1999 suite."},
    {CRP_ERR_SCRIPT, CRP_OVERFLOW, "arithmetic overflow", "An Integer does not fit into 64 bits."},
    {CRP_ERR_SCRIPT, CRP_TOO_DEEP, "too deep", "Calls are nested too deep: endless recursion, as a rule."},
    {CRP_ERR_SCRIPT, CRP_NO_MEMORY, "out of memory",
     "There is no memory, or the limit that the program was given is reached."},
    {CRP_ERR_SCRIPT, CRP_INTERRUPTED, "interrupted",
     "Ctrl-C, or the host cancelled: no catch gets it, `finally` runs."},
    {CRP_ERR_SCRIPT, CRP_STOPPED, "stopped",
     "The script has called stop: no catch gets it, `finally` runs."},

    {CRP_ERR_FATAL, 0, "Fatal", "The program cannot safely go on. Nothing in Carapace itself raises these."},

    {CRP_ERR_SYSTEM, 0, "System",
     "What the operating system refused; the code is its number for the reason, which the text has in "
     "words."},
    {CRP_ERR_SYSTEM, 24, "too many open files",
     "The process has no descriptor left, though all that scripts have dropped was closed."},

    {CRP_ERR_CONFIG, 0, "Configuration", "A configuration does not make sense."},
    {CRP_ERR_CONFIG, 1, "bad configuration",
     "A service, a stack or a module is not set up as it must be; the text tells what is missing or wrong."},

    {CRP_ERR_FILE, 0, "FileHandling", "Files and folders; the text has path and reason."},
    {CRP_ERR_FILE, 1, "cannot open", "A file cannot be opened, or is not found."},
    {CRP_ERR_FILE, 2, "cannot close", "What was written last could not be stored when the file was closed."},
    {CRP_ERR_FILE, 3, "cannot read", "A file or folder cannot be read."},
    {CRP_ERR_FILE, 4, "cannot write", "A file cannot be written."},
    {CRP_ERR_FILE, 5, "cannot discover file status",
     "What fileStatus and the like ask for cannot be found out."},
    {CRP_ERR_FILE, 6, "cannot change",
     "A file or folder cannot be made, removed, renamed, or given other permissions."},

    {CRP_ERR_COMMS, 0, "Communications", "Talking to a peer; the text has the module and the peer."},
    {CRP_ERR_COMMS, CRP_TIMEOUT, "timeout", "Nothing came, or nothing could be sent, in the given time."},
    {CRP_ERR_COMMS, CRP_CONNECT_FAILED, "connect failed", "No connection could be made."},
    {CRP_ERR_COMMS, CRP_RECEIVE_FAILED, "receive failed",
     "The connection broke, or the peer closed it, while data was awaited."},
    {CRP_ERR_COMMS, CRP_SEND_FAILED, "send failed", "Data could not be sent."},
    {CRP_ERR_COMMS, CRP_DISCONNECT_FAILED, "disconnect failed",
     "The connection could not be ended properly."},
    {CRP_ERR_COMMS, CRP_LISTEN_FAILED, "listen failed", "Nobody can connect to this address."},
    {CRP_ERR_COMMS, CRP_BIND_FAILED, "bind failed", "The address is in use, or is none of this machine's."},
    {CRP_ERR_COMMS, CRP_ACCEPT_FAILED, "accept failed", "A new connection could not be accepted."},
    {CRP_ERR_COMMS, CRP_NAME_NOT_FOUND, "name not found", "No address is known for this name of a machine."},
    {CRP_ERR_COMMS, CRP_NOT_CONNECTED, "not connected", "This needs a connection, and there is none."},

    {CRP_ERR_PARSE, 0, "Parse",
     "A text is no Carapace; the text tells what was expected and what was found."},
    {CRP_ERR_PARSE, CRPI_PARSE_END, "unfinished",
     "The text ends inside a form; the bracket or quote that was not closed is named."},
    {CRP_ERR_PARSE, CRPI_PARSE_BRACKET, "bracket", "A bracket closes nothing, or is none of ( )."},
    {CRP_ERR_PARSE, CRPI_PARSE_NUMBER, "number", "A number is malformed or too big."},
    {CRP_ERR_PARSE, CRPI_PARSE_ESCAPE, "escape", "An escape in a String or |Symbol| is none."},
    {CRP_ERR_PARSE, CRPI_PARSE_CHARACTER, "character",
     "NUL, broken UTF-8, or a character that begins nothing."},
    {CRP_ERR_PARSE, CRPI_PARSE_TOO_DEEP, "too deep", "Forms are nested too deep."},
    {CRP_ERR_PARSE, CRPI_PARSE_DOT, "dot", "A dot without a name behind it, or with a space before it."},
    {CRP_ERR_PARSE, CRPI_PARSE_BINARY, "Binary",
     "What stands between the quotes of 0x\"...\" are not pairs of hexadecimal digits."},
    {CRP_ERR_PARSE, CRPI_PARSE_NAME, "name", "Colons are in the wrong place, or a name is too long."},

    {CRP_ERR_POP3, 0, "Pop3",
     "What a POP3 server refused, or did wrongly. The class can be set: `errorClass`."},
    {CRP_ERR_POP3, 1, "refused", "The server said -ERR."},
    {CRP_ERR_POP3, 2, "protocol", "The server broke the protocol."},
    {CRP_ERR_POP3, 3, "logon refused", "The server does not accept user and password, or secret."},
    {CRP_ERR_POP3, 4, "wrong state",
     "This is not possible now: before the logon, or after the mailbox was closed."},
    {CRP_ERR_POP3, 5, "in use", "The mailbox is in use by somebody else."},
    {CRP_ERR_POP3, 6, "login delay", "The server wants more time between two logons."},
    {CRP_ERR_POP3, 7, "temporary", "Trouble of the server's: try again later."},
    {CRP_ERR_POP3, 8, "permanent", "Trouble of the server's that will not go away by itself."},
    {CRP_ERR_POP3, 9, "security", "The connection is not as safe as is required."},
    {CRP_ERR_POP3, 10, "excess", "A limit is exceeded: the length of a line, a listing or a message."},
    {0, 0, NULL, NULL},
};

const crpi_error_code *crpi_error_code_find(int error_class, int code)
{
    for (const crpi_error_code *row = crpi_error_codes; row->name; row++)
        if (row->error_class == error_class && row->code == code) return row;
    return NULL;
}
