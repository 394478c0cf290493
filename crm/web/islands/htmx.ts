// htmx as a script of its own; its module also sets window.htmx.
import "htmx.org/dist/htmx.esm.js"
