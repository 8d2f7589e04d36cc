/* A host and a script that call each other, with Lua: ask-carapace.c says what it does.  script-handles is script here, handles
 * is native. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "function next(x) return x + 1 end\n"
                           "function words(n)\n"
                           "  local f, x, i = nativeNext, 0, 0\n"
                           "  while i < n do\n"
                           "    x = f(x)\n"
                           "    i = i + 1\n"
                           "  end\n"
                           "  return x\n"
                           "end\n";

static int native_next(lua_State *L)
{
    lua_pushinteger(L, luaL_checkinteger(L, 1) + 1);
    return 1;
}

/* What the function at the top of the stack makes of x; it stays there.  0: an error. */
static int ask(lua_State *L, lua_Integer *x)
{
    lua_pushvalue(L, -1);
    lua_pushinteger(L, *x);
    if (lua_pcall(L, 1, 1, 0)) return 0;
    *x = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return 1;
}

static int count(lua_State *L, const char *way, lua_Integer n, lua_Integer *x)
{
    int good = 1;
    int script = !strncmp(way, "script", 6);
    lua_getglobal(L, script ? "next" : "words");
    if (!script) {
        *x = n;
        return ask(L, x);
    }
    for (*x = 0; good && n > 0; n--) good = ask(L, x);
    return good;
}

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    lua_Integer x = 0;
    if (argc < 3 || !L) return 2;
    luaL_openlibs(L);
    lua_register(L, "nativeNext", native_next);
    int good = !luaL_dostring(L, text) && count(L, argv[1], atoll(argv[2]), &x);
    printf("%lld\n", (long long)x);
    lua_close(L);
    return good ? 0 : 1;
}
