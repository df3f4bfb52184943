// Before the first paint: the theme that was chosen here.
try{const t=localStorage.getItem("pacer-theme");if(t)document.documentElement.dataset.theme=t}catch{}
