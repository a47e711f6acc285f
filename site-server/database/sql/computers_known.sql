-- computers_known: all of them.
SELECT uuid FROM amt_store.computer
