#!/bin/sh
# carapace -c: reads and compiles a file, and runs only what defines.
set -u
. "${srcdir:-.}/tests/cli/tap.sh"

# finds SENTENCE STATUS PATTERN TEXT: checking the text ends with the status, and stderr has the pattern.
finds() {
  printf '%s\n' "$4" >checked.crp
  run -c checked.crp
  fails "$1" "$2" "$3"
}

# passes SENTENCE TEXT: nothing is wrong with the text, and nothing of it is seen to run.
passes() {
  printf '%s\n' "$2" >checked.crp
  run -c checked.crp
  is "$1" 0 ''
}

passes 'forms at the top do not run' '(print "no") (headOf ()) (set x (/ 1 0)) (while true) (stop 3)'
passes 'functions may use what the file defines' '(set n 1)
(defun f () (set n (+ n later)) (g))
(defun g () (f))
(set later 1)'
passes 'a class is defined, so that its methods can be' '(class C (interface (properties (n Integer)) (methods (NIL m ()))))
(defun NIL C::m () (this.n 5))'
passes 'a macro is defined, so that it can be used' '(defmacro twice (x) `(do ,x ,x))
(defun f () (twice (print 1)))'
passes 'a global is declared' '(global (::n Integer))
(defun f () (set ::n 5))'
finds 'a function that sets an unknown variable' 3 'checked.crp:2:3: error 1.4: unknown variable nowhere' '(defun f ()
 (set nowhere 1))'
finds 'a method that was not declared' 3 'checked.crp:2:2: error 1.4' '(class C (interface))
(defun NIL C::m () 1)'
finds 'a class of an argument that there is not' 3 'did you mean Integer' '(defun f ((n Integr)) n)'
finds 'a form of the wrong shape in what does not run' 3 'checked.crp:2:9: error 1.8: if' '(print 1)
(print (if))'
finds 'a lambda that cannot be compiled in what does not run' 3 'break: stands only inside a loop' '(set f (lambda () (break)))'
finds 'a bracket that is not closed' 3 'checked.crp:1:1' '(print 1'
finds 'a class whose clause is unknown' 3 'error 1' '(class C (interface (propertys (n Integer))))'

printf '(defun helped () (set nowhere 1))\n' >helper.crp
finds 'an error in a file that is loaded by a name that is written out' 3 'helper.crp:1' '(load "helper")'
printf '(defun helped () 1) (print "no")\n' >helper.crp
passes 'a file that is loaded is checked and not run' '(load "helper") (defun f () (helped))'
passes 'a file is checked once, though two load it' '(require "helper") (require "helper") (load "helper")'
printf '(load "checked")\n' >helper.crp
passes 'files may load each other' '(load "helper")'
run -c nosuch.crp
fails 'a file that is not there is wrong use' 2 'nosuch.crp'
passes 'an empty file' ''
passes 'a file of comments' '# nothing'

done_testing
