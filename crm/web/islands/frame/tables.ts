// On narrow screens a row of a table.list is a card, and each cell says what it is.

export function label(root: Element): void {
    const tables = root.matches("table.list") ? [root] : [...root.querySelectorAll("table.list")]
    const around = root.closest("table.list")
    if (around) tables.push(around)
    for (const table of tables) {
        const heads = [...table.querySelectorAll("thead th, thead td")].map((head) =>
            head.querySelector(".unseen") ? "" : (head.textContent ?? "").trim(),
        )
        for (const row of table.querySelectorAll("tbody tr"))
            [...row.children].forEach((cell, index) => {
                if (!cell.hasAttribute("data-label")) cell.setAttribute("data-label", heads[index] ?? "")
            })
    }
}
