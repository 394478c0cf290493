/** Under which name the browser keeps that it is in a talk, for the page that comes after this one. */
export const TALK = "leaseline-talk"
