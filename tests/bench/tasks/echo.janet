# The same conversation as echo.crp.
(def clients (scan-number (get (dyn :args) 1)))
(def lines (scan-number (get (dyn :args) 2)))
(def line "the quick brown fox jumps over the lazy dog, and does it again\r\n")
(def server (net/listen "127.0.0.1" "0"))
(def port (string (last (net/localname server))))

(defn serve [peer]
  (defer (:close peer)
    (def buffer @"")
    (while (ev/read peer 65536 buffer)
      (net/write peer buffer)
      (buffer/clear buffer))))

(def accepting (ev/go (fn [] (forever (def peer (net/accept server)) (ev/go (fn [] (serve peer)))))))

(def results (ev/chan clients))
(defn client []
  (def c (net/connect "127.0.0.1" port))
  (def buffer @"")
  (var count 0)
  (for _ 0 lines
    (net/write c line)
    (buffer/clear buffer)
    (ev/read c 65536 buffer)
    (+= count (length buffer)))
  (:close c)
  (ev/give results count))

(for _ 0 clients (ev/go client))
(var sum 0)
(for _ 0 clients (+= sum (ev/take results)))
(print sum)
(os/exit 0)
